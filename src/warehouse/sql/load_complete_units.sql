-- Puts the rows that are there beside those that come later, so that a unit is replaced as a whole; file_line stays
-- empty, and the new load owns them.
INSERT INTO {raw}.{stage} (source, [columns], load_id)
SELECT source, [columns], $2::bigint
FROM {raw}.{table} AS t
WHERE t.source = $1
    AND ([unit]) IN (SELECT [unit] FROM {raw}.{stage})
    AND ([key]) NOT IN (SELECT [key] FROM {raw}.{stage})
