-- Files of one device that touch or overlap hold the same samples in the shared time, or the device is refused here.
-- Each file is held against the earlier one that reaches furthest.

CREATE TABLE power_pair AS
WITH placed AS (
    SELECT *, row_number() OVER (PARTITION BY site, device ORDER BY first_ms, last_ms, file) AS place
    FROM power_extent
), before AS (
    SELECT *, max({'last_ms': last_ms, 'early': -place, 'file': file}) OVER (
        PARTITION BY site, device ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier
    FROM placed
)
SELECT site, device, earlier.file AS earlier, file AS later, first_ms AS from_ms,
       least(last_ms, earlier.last_ms) AS until_ms
FROM before
WHERE first_ms <= earlier.last_ms;

INSERT INTO refused
SELECT DISTINCT site, device, 'power-overlap'
FROM (
    SELECT pair.site, pair.device, pair.later, r.ts_ms, r.power_mw, r.run, count(DISTINCT r.file) AS files
    FROM power_pair AS pair
    JOIN read_power AS r ON r.site = pair.site AND r.device = pair.device
     AND (r.file = pair.earlier OR r.file = pair.later) AND r.ts_ms BETWEEN pair.from_ms AND pair.until_ms
    GROUP BY ALL
)
WHERE files <> 2;
