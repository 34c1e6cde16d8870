-- The energy of run lines (package.md 5.2): half-uJ times 5 is 10^-7 J; 10^-7 J over 36 is 10^-12 kWh, rounded half
-- to even. Lines of declared parts have no rows in energy.csv; of them only the kWh are made again.

CREATE TABLE run_line AS
SELECT line_id, run_id, site_id, boundary, method, grade, portion, start::TIMESTAMP AS start, "end"::TIMESTAMP AS "end",
       energy_j, energy_kwh, scaled(energy_j, 7) AS j7, scaled(energy_kwh, 12) AS kwh12
FROM line WHERE kind = 'run';

CREATE TABLE counted AS
SELECT row_id, run_id, site_id, boundary, method, grade, start::TIMESTAMP AS at, energy_half_uj::HUGEINT AS half_uj
FROM energy SEMI JOIN (FROM run WHERE status <> 'void') USING (run_id);

CREATE TABLE row_of_line AS
SELECT line_id, portion, row_id, half_uj
FROM run_line AS l JOIN counted AS c USING (run_id, site_id, boundary, method, grade)
WHERE c.at >= l.start AND c.at < l."end";

INSERT INTO difference
SELECT 'data/results/lines.csv', line_id || ' energy_j (10^-7 J)', made.j7::VARCHAR, coalesce(run_line.j7::VARCHAR, energy_j)
FROM run_line LEFT JOIN (SELECT line_id, 5 * sum(half_uj) AS j7 FROM row_of_line GROUP BY line_id) AS made USING (line_id)
WHERE method <> 'declared' AND made.j7 IS DISTINCT FROM run_line.j7;

INSERT INTO difference
WITH divided AS (
    SELECT line_id, energy_kwh, kwh12, j7 // 36 AS whole, j7 % 36 AS rest FROM run_line
)
SELECT 'data/results/lines.csv', line_id || ' energy_kwh (10^-12 kWh)', made::VARCHAR, coalesce(kwh12::VARCHAR, energy_kwh)
FROM (
    SELECT *, CASE WHEN rest > 18 OR (rest = 18 AND whole % 2 = 1) THEN whole + 1 ELSE whole END AS made FROM divided
)
WHERE made IS DISTINCT FROM kwh12;

-- Every row of a run that counts is in one line's energy, once (an overhead line repeats its IT line's).
INSERT INTO difference
SELECT 'data/activity/energy.csv', 'row_id ' || row_id, '1', coalesce(times, 0)::VARCHAR
FROM counted LEFT JOIN (
    SELECT row_id, count(*) AS times FROM row_of_line WHERE portion <> 'overhead' GROUP BY row_id
) AS found USING (row_id)
WHERE coalesce(times, 0) <> 1;
