-- Records that cannot be are left out: instants before 1970 or after 9999, power below 0 or above 1 GW (10^12 mW),
-- intervals that do not go forward or last longer than 3,660 days, energy below 0 or above 1 GW on average.

CREATE VIEW power AS
SELECT * FROM read_power
WHERE ts_ms BETWEEN 0 AND 253402300799999 AND power_mw BETWEEN 0 AND 1000000000000;

CREATE VIEW interval_record AS
SELECT * FROM read_interval
WHERE start_ms >= 0 AND end_ms <= 253402300799999 AND end_ms > start_ms AND end_ms - start_ms <= 316224000000
  AND half_uj >= 0 AND half_uj // (2 * (end_ms - start_ms)) <= 1000000000000;

CREATE TABLE power_extent AS
SELECT file, site, device, min(ts_ms) AS first_ms, max(ts_ms) AS last_ms FROM power GROUP BY ALL;

-- Devices whose files this implementation does not judge, and why.
CREATE TABLE refused (site VARCHAR, device VARCHAR, reason VARCHAR);
