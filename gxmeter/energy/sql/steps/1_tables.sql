-- What is read, as it was read. Instants in Unix ms, power in mW, energy in half-microjoules.
-- Every number is BIGINT or HUGEINT: DuckDB raises on overflow, and nothing here is ever DOUBLE.

CREATE TABLE file (file INTEGER, name VARCHAR, stopped BOOLEAN);

CREATE TABLE read_power (
    file INTEGER, run VARCHAR, site VARCHAR, device VARCHAR, ts_ms BIGINT, power_mw BIGINT
);

CREATE TABLE read_interval (
    file INTEGER, run VARCHAR, site VARCHAR, device VARCHAR, start_ms BIGINT, end_ms BIGINT, half_uj BIGINT
);

-- One row where a gap limit is given; empty where it is derived.
CREATE TABLE given_limit (limit_ms BIGINT);
