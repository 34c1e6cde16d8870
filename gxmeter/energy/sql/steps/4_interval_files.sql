-- Interval records: in one file none may begin before all earlier ones of its device have ended; files that overlap
-- hold the same records in the shared time, and then the later one counts from the end of the earlier one. A later
-- file that begins at most 2 ms before the earlier one ends is taken to begin there (clocks in whole milliseconds).

CREATE TABLE interval_in_file AS
SELECT *, start_ms >= coalesce(max(end_ms) OVER (
    PARTITION BY file, site, device ORDER BY start_ms, end_ms, half_uj, run
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
), start_ms) AS free
FROM interval_record;

-- Time that records of one run cover without a hole, per file; part counts up in time.
CREATE MACRO stretches_of(records) AS TABLE
WITH marked AS (
    SELECT *, (run IS DISTINCT FROM lag(run) OVER w OR start_ms IS DISTINCT FROM lag(end_ms) OVER w)::INTEGER AS fresh
    FROM query_table(records)
    WINDOW w AS (PARTITION BY file, site, device ORDER BY start_ms)
), numbered AS (
    SELECT *, sum(fresh) OVER (PARTITION BY file, site, device ORDER BY start_ms) AS part FROM marked
)
SELECT file, site, device, run, part, min(start_ms) AS start_ms, max(end_ms) AS end_ms FROM numbered GROUP BY ALL;

CREATE VIEW interval_free AS SELECT * EXCLUDE free FROM interval_in_file WHERE free;

CREATE TABLE stretch_in_file AS FROM stretches_of('interval_free');

CREATE TABLE interval_pair AS
WITH placed AS (
    SELECT file, site, device, min(start_ms) AS start_ms, max(end_ms) AS end_ms,
           row_number() OVER (PARTITION BY site, device ORDER BY min(start_ms), max(end_ms), file) AS place
    FROM stretch_in_file
    GROUP BY file, site, device
), before AS (
    SELECT *, max({'end_ms': end_ms, 'early': -place, 'file': file}) OVER (
        PARTITION BY site, device ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier
    FROM placed
), near AS (
    SELECT site, device, earlier.file AS earlier, file AS later, start_ms AS from_ms, earlier.end_ms AS earlier_end_ms,
           least(end_ms, earlier.end_ms) AS until_ms,
           earlier.end_ms - start_ms <= 2 AND end_ms - start_ms > 2 AS touching
    FROM before
    WHERE start_ms < earlier.end_ms
)
SELECT DISTINCT near.*
FROM near
JOIN stretch_in_file AS one ON one.site = near.site AND one.device = near.device AND one.file = near.earlier
JOIN stretch_in_file AS other ON other.site = near.site AND other.device = near.device AND other.file = near.later
WHERE one.start_ms < other.end_ms AND other.start_ms < one.end_ms;

INSERT INTO refused
SELECT DISTINCT site, device, 'interval-overlap'
FROM (
    SELECT pair.site, pair.device, pair.later, r.start_ms, r.end_ms, r.half_uj, r.run, count(DISTINCT r.file) AS files
    FROM interval_pair AS pair
    JOIN read_interval AS r ON r.site = pair.site AND r.device = pair.device
     AND (r.file = pair.earlier OR r.file = pair.later) AND r.start_ms < pair.until_ms
     AND (r.end_ms > pair.from_ms OR r.start_ms >= pair.from_ms)
    WHERE NOT pair.touching
    GROUP BY ALL
)
WHERE files <> 2;

-- Which of two records that overlap in one file counts may depend on what the other file repeats: not judged here.
INSERT INTO refused
SELECT DISTINCT site, device, 'interval-overlap'
FROM interval_pair SEMI JOIN (FROM interval_in_file WHERE NOT free) USING (site, device);

CREATE TABLE interval_used AS
SELECT i.file, i.run, i.site, i.device, i.end_ms, i.half_uj,
       CASE WHEN pair.touching AND i.start_ms < pair.earlier_end_ms AND i.end_ms > pair.earlier_end_ms
            THEN pair.earlier_end_ms ELSE i.start_ms END AS start_ms
FROM interval_in_file AS i
LEFT JOIN interval_pair AS pair ON pair.later = i.file AND pair.site = i.site AND pair.device = i.device
WHERE i.free AND (pair.later IS NULL OR pair.touching OR i.start_ms >= pair.earlier_end_ms);

-- A record cut shorter than its energy can be believed, or one that still begins before another has ended: not judged.
INSERT INTO refused
SELECT DISTINCT site, device, 'interval-overlap'
FROM interval_used WHERE half_uj // (2 * (end_ms - start_ms)) > 1000000000000;

INSERT INTO refused
SELECT DISTINCT site, device, 'interval-overlap'
FROM (
    SELECT site, device, start_ms < max(end_ms) OVER (
        PARTITION BY site, device ORDER BY start_ms, end_ms, file ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS early
    FROM interval_used
)
WHERE early;

CREATE TABLE stretch AS FROM stretches_of('interval_used');

-- Counters take precedence: a file's power samples are left out where a counter covers some of their time.
CREATE TABLE superseded AS
SELECT DISTINCT e.file, e.site, e.device
FROM power_extent AS e
JOIN stretch AS s ON s.site = e.site AND s.device = e.device AND s.start_ms < e.last_ms AND e.first_ms < s.end_ms;

-- Power samples that files repeat, of a device that has a counter too: not judged here.
INSERT INTO refused
SELECT DISTINCT site, device, 'power-overlap' FROM power_pair SEMI JOIN interval_used USING (site, device);
