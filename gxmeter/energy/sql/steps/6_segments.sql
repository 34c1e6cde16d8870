-- Segments between neighbouring samples of a device, ordered by (time, power); of equal samples the run that sorts
-- first counts, so it stands last here and begins the next segment. Samples of a device without a counter are one
-- series over all its files; beside a counter each file is a series of its own, and step 7 says which may be joined.

CREATE TABLE segment AS
WITH series AS (
    SELECT p.site, p.device, p.run, p.ts_ms, p.power_mw,
           CASE WHEN counter.device IS NULL THEN -1 ELSE p.file END AS part
    FROM power AS p
    LEFT JOIN (SELECT DISTINCT site, device FROM interval_used) AS counter USING (site, device)
    ANTI JOIN refused USING (site, device)
    ANTI JOIN superseded USING (file, site, device)
), paired AS (
    SELECT site, device, run, ts_ms AS t0_ms, power_mw::HUGEINT AS p0_mw,
           lead(ts_ms) OVER w AS t1_ms, lead(power_mw) OVER w AS p1_mw
    FROM series
    WINDOW w AS (PARTITION BY site, device, part ORDER BY ts_ms, power_mw, run DESC)
)
SELECT site, device, run, t0_ms, p0_mw, t1_ms, p1_mw::HUGEINT AS p1_mw FROM paired WHERE t1_ms > t0_ms;
