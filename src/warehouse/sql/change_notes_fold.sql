-- Adds the notes of each table of the schema $1 up to one where there are more than $2; versions stay as they are.
WITH many AS (
    SELECT n.table_name
    FROM quintile.change_notes AS n
    WHERE n.schema_name = $1
    GROUP BY n.table_name
    HAVING count(*) > $2
),
taken AS (
    DELETE FROM quintile.change_notes AS n
    USING many AS m
    WHERE n.schema_name = $1 AND n.table_name = m.table_name
    RETURNING n.table_name, n.note_count, COALESCE(n.note_sum, n.note_id) AS note_sum
)
INSERT INTO quintile.change_notes (schema_name, table_name, note_count, note_sum)
SELECT $1, t.table_name, sum(t.note_count), sum(t.note_sum)
FROM taken AS t
GROUP BY t.table_name
