-- Energy per half-hour slot of 1,800,000 ms. Between two samples power is a straight line: (p0 + p1) * dt half-uJ.
-- A slot edge x ms after the first sample takes the boundary power pb = (p0 * (dt - x) + p1 * x) // dt; the head is
-- (p0 + pb) * x, the tail the rest. An interval of d half-uJ over T ms has E(x) = (d // T) * x + (d % T) * x // T up
-- to x; a slot gets E(b) - E(a). Everything is at least 0, so that // is the floor.

CREATE TABLE leaf AS
WITH measured AS (
    SELECT run, site, device, p0_mw, p1_mw, t1_ms - t0_ms AS dt, t0_ms // 1800000 AS slot,
           (t0_ms // 1800000 + 1) * 1800000 - t0_ms AS x
    FROM segment JOIN gap_limit USING (site, device)
    WHERE t1_ms - t0_ms <= limit_ms
), headed AS (
    SELECT run, site, device, slot, dt, x, (p0_mw + p1_mw) * dt AS whole,
           CASE WHEN dt <= x THEN (p0_mw + p1_mw) * dt
                ELSE (p0_mw + (p0_mw * (dt - x) + p1_mw * x) // dt) * x END AS head
    FROM measured
), counted AS (
    SELECT run, site, device, half_uj::HUGEINT AS d, end_ms - start_ms AS length, start_ms,
           unnest(range(start_ms // 1800000, (end_ms - 1) // 1800000 + 1)) AS slot
    FROM interval_used ANTI JOIN refused USING (site, device)
), cut AS (
    SELECT run, site, device, slot, d, length, greatest(slot * 1800000 - start_ms, 0) AS a,
           least((slot + 1) * 1800000 - start_ms, length) AS b
    FROM counted
), piece AS (
    SELECT slot, run, site, device, head AS half_uj, least(dt, x) AS covered_ms FROM headed
    UNION ALL
    SELECT slot + 1, run, site, device, whole - head, dt - x FROM headed WHERE dt > x
    UNION ALL
    SELECT slot, run, site, device,
           ((d // length) * b + (d % length) * b // length) - ((d // length) * a + (d % length) * a // length), b - a
    FROM cut
)
SELECT slot, run, site, device, sum(half_uj)::HUGEINT AS half_uj, sum(covered_ms)::HUGEINT AS covered_ms
FROM piece
GROUP BY ALL;
