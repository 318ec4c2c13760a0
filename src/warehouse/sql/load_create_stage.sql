-- A table for the rows of one load, dropped in the same transaction. Unlogged: a crash takes it back anyway.
CREATE UNLOGGED TABLE {raw}.{stage} AS
SELECT source, [columns], load_id, NULL::bigint AS file_line, NULL::text AS raw_text
FROM {raw}.{table}
WITH NO DATA
