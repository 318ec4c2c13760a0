-- Which notes there are of the table $1.$2: equal texts mean that no statement has changed a row in between. The number
-- of the table tells one that was dropped and made anew.
SELECT format(
    'noted %s %s %s',
    COALESCE(sum(n.note_count), 0), COALESCE(sum(COALESCE(n.note_sum, n.note_id)), 0),
    to_regclass(format('%I.%I', $1::text, $2::text))::oid
) AS version
FROM quintile.change_notes AS n
WHERE n.schema_name = $1 AND n.table_name = $2
