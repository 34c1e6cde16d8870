-- Rows, energy and covered time of every run, site, device and method against the run headers (package.md 3.3).

INSERT INTO difference
WITH made AS (
    SELECT run_id, site_id, device_id, method, count(*)::HUGEINT AS times, sum(energy_half_uj::HUGEINT) AS half_uj,
           sum(covered_ms::HUGEINT) AS covered_ms
    FROM energy GROUP BY ALL
), stated AS (
    SELECT run_id, site_id, d.device_id, d.method, d."rows" AS times, d.energy_half_uj::HUGEINT AS half_uj, d.covered_ms
    FROM (SELECT run_id, site_id, unnest(devices) AS d FROM header)
)
SELECT 'data/activity/run_headers.jsonl', concat_ws(' ', run_id, site_id, device_id, method),
       concat_ws(' ', made.times, made.half_uj, made.covered_ms),
       concat_ws(' ', stated.times, stated.half_uj, stated.covered_ms)
FROM made FULL JOIN stated USING (run_id, site_id, device_id, method)
WHERE (made.times, made.half_uj, made.covered_ms) IS DISTINCT FROM (stated.times, stated.half_uj, stated.covered_ms);
