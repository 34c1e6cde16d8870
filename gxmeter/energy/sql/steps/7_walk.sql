-- Devices with a counter: go through their stretches in time. A hole longer than the limit is a gap of the run before
-- it, unless that run ended there or another one follows; a shorter one is bridged between two files of power samples.

CREATE TABLE walked AS
WITH power_stretch AS (
    SELECT e.file, e.site, e.device, e.first_ms, e.last_ms,
           first(p.run ORDER BY p.ts_ms, p.power_mw, p.run) AS first_run,
           first(p.power_mw ORDER BY p.ts_ms, p.power_mw) AS first_mw,
           last(p.run ORDER BY p.ts_ms, p.power_mw, p.run DESC) AS last_run,
           last(p.power_mw ORDER BY p.ts_ms, p.power_mw) AS last_mw
    FROM power_extent AS e
    JOIN power AS p USING (file, site, device)
    SEMI JOIN interval_used USING (site, device)
    GROUP BY ALL
), bound AS (
    SELECT site, device, min(first_ms) AS first_ms, max(last_ms) AS last_ms,
           first(first_run ORDER BY first_ms, last_ms, file) AS run
    FROM power_stretch SEMI JOIN superseded USING (file, site, device)
    GROUP BY ALL
), stretches AS (
    SELECT s.site, s.device, s.start_ms, s.end_ms, s.run, 0 AS kind, s.file,
           CASE WHEN s.part = max(s.part) OVER (PARTITION BY s.file, s.site, s.device) THEN f.stopped END AS stopped,
           NULL::BIGINT AS first_mw, NULL::BIGINT AS last_mw
    FROM stretch AS s JOIN file AS f USING (file)
    UNION ALL
    SELECT site, device, first_ms, last_ms, last_run, 1, file, NULL, first_mw, last_mw
    FROM power_stretch ANTI JOIN superseded USING (file, site, device)
    UNION ALL
    SELECT site, device, first_ms, first_ms, run, 2, -1, NULL, NULL, NULL FROM bound
    UNION ALL
    SELECT site, device, last_ms, last_ms, run, 2, -1, NULL, NULL, NULL FROM bound
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY site, device ORDER BY start_ms, end_ms, run, kind, file) AS place
    FROM stretches ANTI JOIN refused USING (site, device)
)
SELECT *, max({
    'end_ms': end_ms, 'place': place, 'run': run, 'kind': kind, 'stopped': stopped, 'last_mw': last_mw
}) OVER (
    PARTITION BY site, device ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
) AS before
FROM placed;

INSERT INTO segment
SELECT site, device, before.run, before.end_ms, before.last_mw, start_ms, first_mw
FROM walked JOIN gap_limit USING (site, device)
WHERE start_ms > before.end_ms AND start_ms - before.end_ms <= limit_ms AND kind = 1 AND before.kind = 1;

CREATE TABLE gap AS
SELECT run, site, device, t0_ms AS start_ms, t1_ms AS end_ms
FROM segment JOIN gap_limit USING (site, device) WHERE t1_ms - t0_ms > limit_ms
UNION ALL
SELECT before.run, site, device, before.end_ms, start_ms
FROM walked JOIN gap_limit USING (site, device)
WHERE start_ms - before.end_ms > limit_ms AND (before.stopped IS NULL OR (NOT before.stopped AND before.run = run));
