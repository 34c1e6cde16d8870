-- The gap limit of a device: given, or the greater of 60 s and ten median periods, at most 1,800 s. Periods are the
-- times between neighbouring instants of a file, between neighbouring files, and the lengths of interval records;
-- of two medians the lower one counts.

CREATE TABLE period AS
SELECT site, device, next_ms - ts_ms AS period_ms
FROM (
    SELECT site, device, ts_ms, lead(ts_ms) OVER (PARTITION BY file, site, device ORDER BY ts_ms) AS next_ms
    FROM power WHERE NOT EXISTS (FROM given_limit)
)
WHERE next_ms > ts_ms
UNION ALL
SELECT site, device, end_ms - start_ms FROM interval_record
UNION ALL
SELECT site, device, hole_ms
FROM (
    SELECT site, device, first_ms - lag(last_ms) OVER (PARTITION BY site, device ORDER BY first_ms, last_ms) AS hole_ms
    FROM power_extent
)
WHERE hole_ms > 0;

CREATE TABLE gap_limit AS
WITH counted AS (
    SELECT site, device, period_ms, count(*) AS times FROM period GROUP BY ALL
), ranked AS (
    SELECT site, device, period_ms, sum(times) OVER (PARTITION BY site, device ORDER BY period_ms) AS up_to,
           sum(times) OVER (PARTITION BY site, device) AS total
    FROM counted
), median AS (
    SELECT site, device, min(period_ms) AS period_ms FROM ranked WHERE up_to > (total - 1) // 2 GROUP BY ALL
), known AS (
    SELECT DISTINCT site, device FROM power_extent UNION SELECT DISTINCT site, device FROM interval_record
)
SELECT site, device, coalesce(
    (SELECT limit_ms FROM given_limit), least(greatest(60000, 10 * coalesce(period_ms, 0)), 1800000)
)::BIGINT AS limit_ms
FROM known LEFT JOIN median USING (site, device);
