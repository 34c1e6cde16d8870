/* A libnvidia-ml.so.1 of our own: the functions of NVIDIA's library over the GPUs of world.h. */
#include "world.h"

#include <pthread.h>

#define API __attribute__((visibility("default")))

/* What a handle points to: a GPU, or with slice >= 0 one of its MIG devices. */
typedef struct { int gpu, slice; } handle_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static handle_t handles[MAX_GPUS][MAX_SLICES + 1];
static int users, users_reloads;
static uint64_t calls;

API void fakenvml_set_clock(int64_t ns) { hand_ns = ns; }
API uint64_t fakenvml_calls(void) { return calls; }

/* ------------------------------------------------------------------ entering a call */

static void block(int64_t ns) {
    struct timespec t = {ns / 1000000000, ns % 1000000000};
    if (ns > 0) nanosleep(&t, NULL);
}

/* Take the lock, bring the world up to now. Leave with the lock held. */
static nvml_t enter(int64_t *now) {
    pthread_mutex_lock(&lock);
    int64_t at = update();
    calls++;
    if (now) *now = at;
    if (!users || users_reloads != w.reloads) return UNINITIALIZED;
    return w.gone ? UNKNOWN : SUCCESS;
}

static nvml_t leave(nvml_t said) {
    pthread_mutex_unlock(&lock);
    return said;
}

/* As enter, for a call about a GPU; slice_too says that a MIG device will do. */
static nvml_t enter_gpu(handle_t *h, gpu_t **g, int64_t *now, int slice_too) {
    pthread_mutex_lock(&lock);
    update();
    int64_t wait = h ? w.gpu[h->gpu].block_ns : 0;
    pthread_mutex_unlock(&lock);
    block(wait);
    nvml_t said = enter(now);
    if (said) return said;
    if (!h || h->gpu >= w.gpus) return INVALID_ARGUMENT;
    *g = &w.gpu[h->gpu];
    if ((*g)->lost == YES) return GPU_IS_LOST;
    return h->slice >= 0 && !slice_too ? NOT_SUPPORTED : SUCCESS;
}

#define GPU_CALL(slice_too)                                      \
    gpu_t *g = NULL;                                             \
    int64_t now = 0;                                             \
    nvml_t said = enter_gpu(h, &g, &now, slice_too);             \
    (void)now;                                                   \
    if (said) return leave(said)

static nvml_t answer(int how) { return how == NO ? NOT_SUPPORTED : how == FAILS ? UNKNOWN : SUCCESS; }

static nvml_t copy(char *to, unsigned room, const char *from) {
    if (strlen(from) + 1 > room) return INSUFFICIENT_SIZE;
    strcpy(to, from);
    return SUCCESS;
}

/* ------------------------------------------------------------------ the library */

API nvml_t nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    pthread_mutex_lock(&lock);
    update();
    calls++;
    if (w.init) return leave(w.init);
    if (w.gone) return leave(DRIVER_NOT_LOADED);
    for (int n = 0; n < MAX_GPUS; n++)
        for (int s = 0; s <= MAX_SLICES; s++) handles[n][s] = (handle_t){n, s - 1};
    if (!users++) users_reloads = w.reloads;
    return leave(SUCCESS);
}
API nvml_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
API nvml_t nvmlInit(void) { return nvmlInitWithFlags(0); }
API nvml_t nvmlShutdown(void) {
    pthread_mutex_lock(&lock);
    calls++;
    if (!users) return leave(UNINITIALIZED);
    users--;
    return leave(SUCCESS);
}
API const char *nvmlErrorString(nvml_t code) { return code == SUCCESS ? "Success" : "fake NVML error"; }
API nvml_t nvmlSystemGetDriverVersion(char *to, unsigned room) {
    nvml_t said = enter(NULL);
    return leave(said ? said : copy(to, room, w.driver_version));
}
API nvml_t nvmlSystemGetNVMLVersion(char *to, unsigned room) {
    nvml_t said = enter(NULL);
    return leave(said ? said : copy(to, room, w.driver_version));
}
API nvml_t nvmlSystemGetCudaDriverVersion(int *to) { *to = 13000; return SUCCESS; }
API nvml_t nvmlSystemGetCudaDriverVersion_v2(int *to) { *to = 13000; return SUCCESS; }

API nvml_t nvmlDeviceGetCount_v2(unsigned *count) {
    nvml_t said = enter(NULL);
    *count = said ? 0 : w.gpus;
    return leave(said);
}
API nvml_t nvmlDeviceGetCount(unsigned *count) { return nvmlDeviceGetCount_v2(count); }

static nvml_t open_gpu(unsigned n) {
    if ((int)n >= w.gpus) return INVALID_ARGUMENT;
    if (w.gpu[n].hidden == YES) return NO_PERMISSION;
    return w.gpu[n].lost == YES ? GPU_IS_LOST : SUCCESS;
}
API nvml_t nvmlDeviceGetHandleByIndex_v2(unsigned n, handle_t **h) {
    nvml_t said = enter(NULL);
    if (!said) said = open_gpu(n);
    if (!said) *h = &handles[n][0];
    return leave(said);
}
API nvml_t nvmlDeviceGetHandleByIndex(unsigned n, handle_t **h) { return nvmlDeviceGetHandleByIndex_v2(n, h); }
API nvml_t nvmlDeviceGetHandleByUUID(const char *uuid, handle_t **h) {
    nvml_t said = enter(NULL);
    for (int n = 0; !said && n < w.gpus; n++)
        if (!strcmp(uuid, w.gpu[n].uuid)) {
            said = open_gpu(n);
            if (!said) *h = &handles[n][0];
            return leave(said);
        }
    return leave(said ? said : NOT_FOUND);
}
API nvml_t nvmlDeviceGetIndex(handle_t *h, unsigned *n) { GPU_CALL(0); *n = h->gpu; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetMinorNumber(handle_t *h, unsigned *n) { GPU_CALL(0); *n = h->gpu; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetName(handle_t *h, char *to, unsigned room) { GPU_CALL(1); return leave(copy(to, room, g->name)); }
API nvml_t nvmlDeviceGetUUID(handle_t *h, char *to, unsigned room) {
    GPU_CALL(1);
    char slice[TEXT];
    snprintf(slice, TEXT, "MIG-%08x-fa4e-5000-8000-%012x", 0x10000000 * (h->gpu % 8 + 1) + h->gpu, h->slice);
    return leave(copy(to, room, h->slice >= 0 ? slice : g->uuid));
}
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_t;
API nvml_t nvmlDeviceGetPciInfo_v3(handle_t *h, pci_t *to) {
    GPU_CALL(0);
    memset(to, 0, sizeof *to);
    to->bus = 0x10 + h->gpu, to->id = 0x233010de;
    snprintf(to->legacy, 16, "0000:%02X:00.0", to->bus);
    snprintf(to->bus_id, 32, "00000000:%02X:00.0", to->bus);
    return leave(SUCCESS);
}
API nvml_t nvmlDeviceGetPciInfo_v2(handle_t *h, pci_t *to) { return nvmlDeviceGetPciInfo_v3(h, to); }
API nvml_t nvmlDeviceGetArchitecture(handle_t *h, unsigned *to) { GPU_CALL(0); *to = 9; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetPersistenceMode(handle_t *h, unsigned *to) { GPU_CALL(0); *to = 1; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetPowerManagementMode(handle_t *h, unsigned *to) { GPU_CALL(0); *to = 1; return leave(SUCCESS); }

API nvml_t nvmlDeviceGetTotalEnergyConsumption(handle_t *h, unsigned long long *to) {
    GPU_CALL(0);
    *to = g->counter == ZERO ? 0 : g->counter == STUCK ? g->stuck_mj : g->shown_mj;
    return leave(answer(g->counter));
}
API nvml_t nvmlDeviceGetPowerUsage(handle_t *h, unsigned *to) {
    GPU_CALL(0);
    *to = g->power == ZERO ? 0 : power_mw(g, now);
    return leave(answer(g->power));
}
API nvml_t nvmlDeviceGetEnforcedPowerLimit(handle_t *h, unsigned *to) { GPU_CALL(0); *to = g->limit_mw; return leave(answer(g->limit)); }
API nvml_t nvmlDeviceGetPowerManagementLimit(handle_t *h, unsigned *to) { GPU_CALL(0); *to = g->limit_mw; return leave(answer(g->limit)); }
API nvml_t nvmlDeviceGetPowerManagementDefaultLimit(handle_t *h, unsigned *to) { GPU_CALL(0); *to = g->max_limit_mw; return leave(answer(g->limit)); }
API nvml_t nvmlDeviceGetPowerManagementLimitConstraints(handle_t *h, unsigned *low, unsigned *high) {
    GPU_CALL(0);
    *low = 100000, *high = g->max_limit_mw;
    return leave(answer(g->limit));
}

typedef struct {
    unsigned field, scope;
    int64_t timestamp, latency;
    unsigned type;
    nvml_t said;
    union { double d; unsigned ui; unsigned long long ull; } value;
} field_t;
API nvml_t nvmlDeviceGetFieldValues(handle_t *h, int count, field_t *fields) {
    GPU_CALL(0);
    for (field_t *f = fields; f < fields + count; f++) {
        f->said = SUCCESS, f->latency = 0, f->timestamp = (int64_t)time(NULL) * 1000000, f->value.ull = 0;
        if (f->field == 83) f->type = 3, f->value.ull = g->shown_mj, f->said = answer(g->counter);
        else if ((f->field == 185 || f->field == 186) && f->scope == 0) f->type = 1, f->value.ui = power_mw(g, now), f->said = answer(g->power);
        else f->said = NOT_SUPPORTED;
    }
    return leave(SUCCESS);
}

typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory2_t;
API nvml_t nvmlDeviceGetMemoryInfo(handle_t *h, memory_t *to) { GPU_CALL(1); *to = (memory_t){80ull << 30, 40ull << 30, 40ull << 30}; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetMemoryInfo_v2(handle_t *h, memory2_t *to) {
    GPU_CALL(1);
    *to = (memory2_t){to->version, 80ull << 30, 0, 40ull << 30, 40ull << 30};
    return leave(SUCCESS);
}
typedef struct { unsigned gpu, memory; } rates_t;
API nvml_t nvmlDeviceGetUtilizationRates(handle_t *h, rates_t *to) { GPU_CALL(0); *to = (rates_t){90, 40}; return leave(g->mig ? NOT_SUPPORTED : SUCCESS); }
API nvml_t nvmlDeviceGetTemperature(handle_t *h, unsigned sensor, unsigned *to) { (void)sensor; GPU_CALL(0); *to = 60; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetComputeMode(handle_t *h, unsigned *to) { GPU_CALL(0); *to = 0; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetClockInfo(handle_t *h, unsigned type, unsigned *to) { (void)type; GPU_CALL(0); *to = 1500; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetMaxClockInfo(handle_t *h, unsigned type, unsigned *to) { (void)type; GPU_CALL(0); *to = 1980; return leave(SUCCESS); }
#define PROCESSES(name) API nvml_t name(handle_t *h, unsigned *count, void *to) { (void)to; GPU_CALL(1); *count = 0; return leave(SUCCESS); }
PROCESSES(nvmlDeviceGetComputeRunningProcesses)
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2)
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3)

API nvml_t nvmlDeviceGetMigMode(handle_t *h, unsigned *current, unsigned *pending) {
    GPU_CALL(0);
    *current = *pending = g->mig > 0;
    return leave(SUCCESS);
}
API nvml_t nvmlDeviceGetMaxMigDeviceCount(handle_t *h, unsigned *to) { GPU_CALL(0); *to = MAX_SLICES; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetMigDeviceHandleByIndex(handle_t *h, unsigned n, handle_t **to) {
    GPU_CALL(0);
    if ((int)n >= g->mig_seen) return leave(NOT_FOUND);
    *to = &handles[h->gpu][n + 1];
    return leave(SUCCESS);
}
API nvml_t nvmlDeviceIsMigDeviceHandle(handle_t *h, unsigned *to) { GPU_CALL(1); *to = h->slice >= 0; return leave(SUCCESS); }
API nvml_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle_t *h, handle_t **to) { GPU_CALL(1); *to = &handles[h->gpu][0]; return leave(SUCCESS); }
