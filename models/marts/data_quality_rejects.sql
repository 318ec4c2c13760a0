{{ config(materialized='table', indexes=[{'columns': ['source', 'table_name', 'row_count']}], tags=['marts', 'quality']) }}

-- What is wrong with the rows that stand rejected, one row a source, table, column and reason. A reason quotes the value
-- that did not fit, which may be personal: from its first quote to its last, and with its numbers, it is left out, and so
-- alike reasons come together.
WITH told AS (
    SELECT
        r.source,
        r.table_name,
        r.column_name,
        regexp_replace(r.reason, '".*"|[0-9][0-9 :.-]*[0-9]|[0-9]', '...', 'g') AS reason,
        r.file_name,
        r.row_count
    FROM (
    {{ rejects() }}
    ) AS r
)
SELECT
    t.source,
    t.table_name,
    t.column_name,
    t.reason,
    sum(t.row_count)::bigint AS row_count,
    count(DISTINCT t.file_name) AS file_count
FROM told AS t
GROUP BY t.source, t.table_name, t.column_name, t.reason
