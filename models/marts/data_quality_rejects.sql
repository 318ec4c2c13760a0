{{ config(materialized='table', indexes=[{'columns': ['source', 'table_name', 'row_count']}], tags=['marts', 'quality']) }}

-- What is wrong with the rows that stand rejected, one row a source, table, column and reason. A reason quotes the value
-- that did not fit, which may be personal: from its first quote to its last, and with its numbers, it is left out, and so
-- alike reasons come together.
WITH told AS (
    SELECT
        r.source,
        COALESCE(l.table_name, 'orders') AS table_name,
        r.column_name,
        regexp_replace(r.reason, '".*"|[0-9][0-9 :.-]*[0-9]|[0-9]', '...', 'g') AS reason,
        r.file_name
    FROM {{ source('raw', 'rejected_rows') }} AS r
    LEFT JOIN {{ source('raw', 'loads') }} AS l
        ON l.load_id = r.load_id
)
SELECT
    t.source,
    t.table_name,
    t.column_name,
    t.reason,
    count(*) AS row_count,
    count(DISTINCT t.file_name) AS file_count
FROM told AS t
GROUP BY t.source, t.table_name, t.column_name, t.reason
