-- Those of some lines that the run before saw.
CREATE VIEW {schema}.{then} AS
SELECT *
FROM {schema}.{lines} AS o
WHERE o.was_there
