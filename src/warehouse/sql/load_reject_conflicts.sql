-- Rows of one load with the same key and other content: nobody can tell which is right, so none is loaded.
WITH repeated AS MATERIALIZED (
    SELECT [key], array_agg(file_line ORDER BY file_line) AS file_lines, count(DISTINCT ROW([values])) AS contents
    FROM {raw}.{stage}
    GROUP BY [key]
    HAVING count(*) > 1
),
taken AS (
    DELETE FROM {raw}.{stage} AS s
    USING repeated AS r
    WHERE r.contents > 1
        AND ([s.key]) = ([r.key])
    RETURNING s.file_line, s.raw_text, r.file_lines
)
INSERT INTO {raw}.rejected_rows (source, file_name, line, column_name, reason, raw_text, load_id)
SELECT
    $1,
    $2,
    t.file_line,
    NULL,
    format(
        'lines %s have the same %s and other content',
        -- A handful tells enough of a file that repeats one key a million times.
        array_to_string(t.file_lines[1:5], ', ') || CASE WHEN cardinality(t.file_lines) > 5 THEN ', ...' ELSE '' END,
        $4::text
    ),
    COALESCE(t.raw_text, ''),
    $3
FROM taken AS t
WHERE t.file_line IS NOT NULL
