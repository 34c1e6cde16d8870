/* What the fake GPUs are and do: the script, and the energy that follows from it. Its language stands in __init__.py.
 *
 * A script is a list of assignments, each at a moment of CLOCK_MONOTONIC. The state at any moment is what one gets
 * by applying all of them in order of time, so processes that read one script agree on every counter. Whenever the
 * script changes it is read and applied again from its beginning; lines are only ever added to its end.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_GPUS 64
#define MAX_SLICES 7
#define MAX_EVENTS 8192
#define TEXT 96

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15, RM_MISMATCH = 18, UNKNOWN = 999,
};
enum { NO, YES, FAILS, ZERO, STUCK };

typedef int nvml_t;
typedef __int128 wide;

typedef struct {
    char name[TEXT], uuid[TEXT];
    int64_t power_mw, high_mw, low_mw, period_ns, limit_mw, max_limit_mw, phase_ns, block_ns;
    int counter, power, limit, lost, hidden, mig, mig_seen;
    wide energy_pj;   /* used up to since_ns */
    int64_t since_ns; /* settled up to here */
    int64_t tick;     /* number of the last step of the counter */
    int64_t shown_mj; /* what the counter shows */
    int64_t stuck_mj;
} gpu_t;

typedef struct { int64_t at_ns; int order, gpu; char key[32], value[TEXT]; } event_t;

static struct {
    gpu_t gpu[MAX_GPUS];
    event_t event[MAX_EVENTS];
    int events, next, gpus, init, reloads, gone;
    int64_t begin_ns, step_ns;
    char driver_version[TEXT], source[8192];
    struct timespec changed;
    off_t size;
    ino_t inode;
} w;
static int64_t hand_ns, loaded_ns;

static int64_t clock_ns(void) {
    if (hand_ns) return hand_ns;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ------------------------------------------------------------------ energy: 1 mW for 1 ns is 1 pJ */

static wide wave_pj(const gpu_t *g, int64_t ns) { /* since the beginning, high first */
    int64_t half = g->period_ns / 2, whole = ns / (2 * half), rest = ns % (2 * half);
    wide used = (wide)whole * half * (g->high_mw + g->low_mw);
    return used + (wide)(rest < half ? rest : half) * g->high_mw + (wide)(rest > half ? rest - half : 0) * g->low_mw;
}

static wide used_pj(const gpu_t *g, int64_t from_ns, int64_t to_ns) {
    if (g->period_ns < 2) return (wide)g->power_mw * (to_ns - from_ns);
    return wave_pj(g, to_ns - w.begin_ns) - wave_pj(g, from_ns - w.begin_ns);
}

static int64_t power_mw(const gpu_t *g, int64_t now_ns) {
    if (g->period_ns < 2) return g->power_mw;
    return (now_ns - w.begin_ns) % (g->period_ns / 2 * 2) < g->period_ns / 2 ? g->high_mw : g->low_mw;
}

static void settle(gpu_t *g, int64_t now_ns) {
    if (now_ns <= g->since_ns) return;
    int64_t tick = (now_ns - w.begin_ns - g->phase_ns) / w.step_ns;
    int64_t tick_ns = w.begin_ns + g->phase_ns + tick * w.step_ns;
    if (tick > g->tick && tick_ns >= g->since_ns)
        g->shown_mj = (int64_t)((g->energy_pj + used_pj(g, g->since_ns, tick_ns)) / 1000000000);
    if (tick > g->tick) g->tick = tick;
    g->energy_pj += used_pj(g, g->since_ns, now_ns);
    g->since_ns = now_ns;
}

/* ------------------------------------------------------------------ the script */

static int64_t scaled(const char *text, int64_t by) { return (int64_t)(strtod(text, NULL) * by + 0.5); }

static int answer_of(const char *v) {
    return !strcmp(v, "no") ? NO : !strcmp(v, "error") ? FAILS : !strcmp(v, "zero") ? ZERO : !strcmp(v, "stuck") ? STUCK : YES;
}

static void set_gpu(int n, const char *key, const char *v) {
    gpu_t *g = &w.gpu[n];
    if (!strcmp(key, "name")) strcpy(g->name, v);
    else if (!strcmp(key, "uuid")) strcpy(g->uuid, v);
    else if (!strcmp(key, "power_w")) g->power_mw = scaled(v, 1000), g->period_ns = 0;
    else if (!strcmp(key, "high_w")) g->high_mw = scaled(v, 1000);
    else if (!strcmp(key, "low_w")) g->low_mw = scaled(v, 1000);
    else if (!strcmp(key, "period_s")) g->period_ns = scaled(v, 1000000000);
    else if (!strcmp(key, "limit_w")) g->limit_mw = scaled(v, 1000);
    else if (!strcmp(key, "max_limit_w")) g->max_limit_mw = scaled(v, 1000);
    else if (!strcmp(key, "phase_s")) g->phase_ns = scaled(v, 1000000000);
    else if (!strcmp(key, "block_s")) g->block_ns = scaled(v, 1000000000);
    else if (!strcmp(key, "counter")) g->counter = answer_of(v), g->stuck_mj = g->shown_mj;
    else if (!strcmp(key, "power")) g->power = answer_of(v);
    else if (!strcmp(key, "limit")) g->limit = answer_of(v);
    else if (!strcmp(key, "lost")) g->lost = answer_of(v);
    else if (!strcmp(key, "hidden")) g->hidden = answer_of(v);
    else if (!strcmp(key, "mig")) g->mig = g->mig_seen = atoi(v) > MAX_SLICES ? MAX_SLICES : atoi(v);
    else if (!strcmp(key, "mig_seen")) g->mig_seen = atoi(v) < g->mig ? atoi(v) : g->mig;
    else if (!strcmp(key, "counter_mj")) g->shown_mj = scaled(v, 1), g->energy_pj = (wide)g->shown_mj * 1000000000;
    else if (!strcmp(key, "jump_mj")) {
        int64_t by = strtoll(v, NULL, 10);
        g->energy_pj += (wide)by * 1000000000;
        g->shown_mj += by;
    } else fprintf(stderr, "fakenvml: unknown key %s\n", key), abort();
}

static void reset_counters(void) {
    for (int n = 0; n < MAX_GPUS; n++) w.gpu[n].energy_pj = 0, w.gpu[n].shown_mj = w.gpu[n].stuck_mj = 0;
}

static void set_all(const char *key, const char *v) {
    if (!strcmp(key, "gpus")) w.gpus = atoi(v) > MAX_GPUS ? MAX_GPUS : atoi(v);
    else if (!strcmp(key, "begin")) return; /* taken before */
    else if (!strcmp(key, "step_s")) w.step_ns = scaled(v, 1000000000) > 0 ? scaled(v, 1000000000) : 1;
    else if (!strcmp(key, "driver_version")) strcpy(w.driver_version, v);
    else if (!strcmp(key, "init"))
        w.init = !strcmp(v, "not_loaded") ? DRIVER_NOT_LOADED : !strcmp(v, "mismatch") ? RM_MISMATCH : !strcmp(v, "error") ? UNKNOWN : SUCCESS;
    else if (!strcmp(key, "driver") && !strcmp(v, "gone")) w.gone = 1;
    else if (!strcmp(key, "driver") && !strcmp(v, "reloaded")) w.gone = 0, w.reloads++, reset_counters();
    else fprintf(stderr, "fakenvml: unknown key %s\n", key), abort();
}

static void apply(const event_t *e) {
    for (int n = 0; n < MAX_GPUS; n++) settle(&w.gpu[n], e->at_ns);
    if (e->gpu == -2) set_all(e->key, e->value);
    else if (e->gpu >= 0) set_gpu(e->gpu, e->key, e->value);
    else for (int n = 0; n < MAX_GPUS; n++) set_gpu(n, e->key, e->value);
}

/* "[@ns|@+seconds] [gpuN.|*.]key=value" */
static void parse(char *line) {
    event_t *e = &w.event[w.events];
    char *text = line + strspn(line, " \t");
    if (!*text || *text == '#' || w.events == MAX_EVENTS) return;
    e->at_ns = 0, e->gpu = -2, e->order = w.events;
    if (*text == '@') {
        e->at_ns = text[1] == '+' ? -scaled(text + 2, 1000000000) - 1 : strtoll(text + 1, NULL, 10); /* < 0: after begin */
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    if (!strncmp(text, "gpu", 3) && text[3] >= '0' && text[3] <= '9') e->gpu = atoi(text + 3) % MAX_GPUS;
    else if (text[0] == '*') e->gpu = -1;
    if (e->gpu != -2) text = strchr(text, '.') ? strchr(text, '.') + 1 : text;
    char *equals = strchr(text, '=');
    if (!equals) fprintf(stderr, "fakenvml: no assignment: %s\n", line), abort();
    snprintf(e->key, sizeof e->key, "%.*s", (int)(equals - text), text);
    snprintf(e->value, sizeof e->value, "%s", equals + 1);
    if (!strcmp(e->key, "begin")) w.begin_ns = strtoll(e->value, NULL, 10);
    w.events++;
}

static int in_time(const void *a, const void *b) {
    const event_t *x = a, *y = b;
    if (x->at_ns != y->at_ns) return x->at_ns < y->at_ns ? -1 : 1;
    return x->order - y->order;
}

static void defaults(void) {
    w.events = w.next = w.init = w.reloads = w.gone = 0;
    w.gpus = 8, w.step_ns = 100000000, w.begin_ns = loaded_ns;
    snprintf(w.driver_version, TEXT, "580.65.06");
    for (int n = 0; n < MAX_GPUS; n++) {
        gpu_t *g = &w.gpu[n];
        memset(g, 0, sizeof *g);
        snprintf(g->name, TEXT, "NVIDIA H100 80GB HBM3");
        snprintf(g->uuid, TEXT, "GPU-%08x-fa4e-4000-8000-%012x", 0x10000000 * (n % 8 + 1) + n, n);
        g->power_mw = 300000 + 10000 * n, g->limit_mw = g->max_limit_mw = 700000;
        g->high_mw = 700000, g->low_mw = 100000;
        g->counter = g->power = g->limit = YES, g->lost = g->hidden = NO;
        g->shown_mj = 1000000 + 1000 * n, g->energy_pj = (wide)g->shown_mj * 1000000000;
    }
}

static void read_script(const char *text) {
    defaults();
    char *copy = strdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, ";\n"))) parse(line);
    free(copy);
    for (int i = 0; i < w.events; i++)
        if (w.event[i].at_ns <= 0) w.event[i].at_ns = w.begin_ns - (w.event[i].at_ns < 0 ? w.event[i].at_ns + 1 : 0);
    for (int n = 0; n < MAX_GPUS; n++) w.gpu[n].since_ns = w.begin_ns;
    qsort(w.event, w.events, sizeof(event_t), in_time);
}

/* The script as it is now: the text in FAKENVML, and after it the file that FAKENVML_SCRIPT names. */
static void look(void) {
    const char *text = getenv("FAKENVML") ?: "", *path = getenv("FAKENVML_SCRIPT") ?: "";
    char source[sizeof w.source];
    struct stat file = {0};
    snprintf(source, sizeof source, "%s|%s", path, text);
    if (*path) stat(path, &file);
    if (loaded_ns && !strcmp(source, w.source) && file.st_size == w.size && file.st_ino == w.inode &&
        file.st_mtim.tv_sec == w.changed.tv_sec && file.st_mtim.tv_nsec == w.changed.tv_nsec) return;
    if (!loaded_ns) loaded_ns = clock_ns();
    strcpy(w.source, source);
    w.size = file.st_size, w.inode = file.st_ino, w.changed = file.st_mtim;
    size_t head = strlen(text), length = 0;
    char *whole = malloc(head + file.st_size + 2);
    memcpy(whole, text, head);
    whole[head] = '\n';
    FILE *in = *path ? fopen(path, "r") : NULL;
    if (in) length = fread(whole + head + 1, 1, file.st_size, in), fclose(in);
    while (length && whole[head + length] != '\n') length--; /* a line that is being written */
    whole[head + 1 + length] = 0;
    read_script(whole);
    free(whole);
}

static int64_t update(void) {
    look();
    int64_t now = clock_ns();
    while (w.next < w.events && w.event[w.next].at_ns <= now) apply(&w.event[w.next++]);
    for (int n = 0; n < w.gpus; n++) settle(&w.gpu[n], now);
    return now;
}

