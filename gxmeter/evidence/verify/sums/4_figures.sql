-- Figures of formula "sum" (package.md 5.9): the measure over the lines that the filter selects. Decimals of up to 54
-- places are added as four integers: the whole part and three groups of 18 places, each with the number's sign.

CREATE TABLE amount AS
WITH long AS (
    UNPIVOT (SELECT line_id, facility_kwh, tco2_location, tco2_market, tco2_basic, tco2_adjusted FROM line)
    ON COLUMNS(* EXCLUDE line_id) INTO NAME measure VALUE number
), parts AS (
    SELECT line_id, measure, number, split_part(number, '.', 1) AS whole,
           rpad(split_part(number, '.', 2), 54, '0') AS places,
           CASE WHEN starts_with(number, '-') THEN '-' ELSE '' END AS sign
    FROM long
)
SELECT line_id, measure, number, length(split_part(number, '.', 2)) <= 54 AS fits, whole::HUGEINT AS whole,
       (sign || places[1:18])::HUGEINT AS a, (sign || places[19:36])::HUGEINT AS b, (sign || places[37:54])::HUGEINT AS c
FROM parts;

CREATE TABLE key AS
SELECT line_id, "column", coalesce(value, '') AS value
FROM line UNPIVOT INCLUDE NULLS (value FOR "column" IN (
    kind, run_id, site_id, contract_id, frame, country, month, boundary, portion, method, grade, status, scope, category
));

CREATE TABLE condition AS
SELECT figure_id, split_part(part, '=', 1) AS "column", unnest(string_split(split_part(part, '=', 2), '|')) AS value
FROM (
    SELECT figure_id, unnest(string_split(lines_filter, ';')) AS part
    FROM figure WHERE formula_id = 'sum' AND lines_filter IS NOT NULL
);

CREATE TABLE selected AS
WITH needed AS (SELECT figure_id, count(DISTINCT "column") AS conditions FROM condition GROUP BY figure_id)
SELECT figure_id, line_id
FROM condition JOIN key USING ("column", value) JOIN needed USING (figure_id)
GROUP BY figure_id, line_id, conditions HAVING count(*) = conditions
UNION ALL
SELECT figure_id, line_id FROM figure, line WHERE formula_id = 'sum' AND lines_filter IS NULL;

-- What is compared: the figure as stated, and the sums of its four parts (NULL where a number has too many places).
CREATE TABLE figure_sum AS
SELECT figure_id, exact, coalesce(sum(whole), 0)::HUGEINT AS whole, coalesce(sum(a), 0)::HUGEINT AS a,
       coalesce(sum(b), 0)::HUGEINT AS b, coalesce(sum(c), 0)::HUGEINT AS c,
       count(selected.line_id) AS lines, count(*) FILTER (fits) AS numbers
FROM figure
LEFT JOIN selected USING (figure_id)
LEFT JOIN amount ON amount.line_id = selected.line_id AND amount.measure = figure.measure
WHERE formula_id = 'sum'
GROUP BY figure_id, exact;
