-- The same leaves as one window query, in the words that DuckDB and Spark share; {SOURCE} and {DIV} are put in.
-- Ties stand in order of (time, power), a segment is its first sample's, one longer than 60 s is a gap. BIGINT suffices
-- for these powers; either engine would stop, and not wrap, if it did not (Spark in ANSI mode).
WITH pair AS (
    SELECT site, device, run, ts_ms AS t0, CAST(power_mw AS BIGINT) AS p0,
           lead(ts_ms) OVER w AS t1, CAST(lead(power_mw) OVER w AS BIGINT) AS p1
    FROM {SOURCE}
    WINDOW w AS (PARTITION BY site, device ORDER BY ts_ms, power_mw)
), segment AS (
    SELECT site, device, run, p0, p1, t1 - t0 AS dt, t0 {DIV} 1800000 AS slot,
           (t0 {DIV} 1800000 + 1) * 1800000 - t0 AS x
    FROM pair WHERE t1 - t0 BETWEEN 1 AND 60000
), headed AS (
    SELECT site, device, run, slot, dt, x, (p0 + p1) * dt AS whole,
           CASE WHEN dt <= x THEN (p0 + p1) * dt ELSE (p0 + (p0 * (dt - x) + p1 * x) {DIV} dt) * x END AS head
    FROM segment
), per_slot AS (
    SELECT slot, run, site, device, sum(head) AS head, sum(least(dt, x)) AS head_ms, sum(whole - head) AS tail,
           sum(CASE WHEN dt > x THEN dt - x ELSE 0 END) AS tail_ms
    FROM headed GROUP BY slot, run, site, device
), parts AS (
    SELECT slot, run, site, device, head AS half_uj, head_ms AS covered_ms FROM per_slot
    UNION ALL
    SELECT slot + 1, run, site, device, tail, tail_ms FROM per_slot WHERE tail_ms > 0
)
SELECT slot, run, site, device, CAST(sum(half_uj) AS BIGINT) AS half_uj, CAST(sum(covered_ms) AS BIGINT) AS covered_ms
FROM parts GROUP BY slot, run, site, device
