-- The package's tables as texts, read by DuckDB's own readers from getvariable('folder').
-- Numbers become integers of a fixed scale, digit by digit: no DOUBLE, and no DECIMAL that would round in silence.

CREATE MACRO csv(name) AS TABLE FROM read_csv(
    getvariable('folder') || '/' || name, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"'
);
CREATE TABLE energy AS FROM csv('energy.csv');
CREATE TABLE run AS FROM csv('runs.csv');
CREATE TABLE line AS FROM csv('lines.csv');
CREATE TABLE figure AS FROM csv('figures.csv');
CREATE TABLE header AS FROM read_json(
    getvariable('folder') || '/run_headers.jsonl', format = 'newline_delimited', columns = {
        'run_id': 'VARCHAR', 'site_id': 'VARCHAR',
        'devices': 'STRUCT(device_id VARCHAR, method VARCHAR, "rows" HUGEINT, energy_half_uj VARCHAR,
                           covered_ms HUGEINT)[]'
    }
);

-- A decimal text times 10^places; NULL where it has more places.
CREATE MACRO scaled(number, places) AS CASE
    WHEN length(split_part(number, '.', 2)) <= places
    THEN (split_part(number, '.', 1) || rpad(split_part(number, '.', 2), places, '0'))::HUGEINT
END;

CREATE TABLE difference (file VARCHAR, name VARCHAR, expected VARCHAR, found VARCHAR);
