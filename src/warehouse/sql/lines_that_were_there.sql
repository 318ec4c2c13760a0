-- Some lines as the run before saw them: those that lie there still, and those that were updated or went since.
CREATE VIEW {schema}.{then} AS
SELECT *
FROM {schema}.{lines} AS o
WHERE o.was_there
UNION ALL
SELECT *
FROM {schema}.{removed} AS o
[of_keys]
