-- The rows of new and updated units.
INSERT INTO {raw}.{table} (source, [columns], load_id)
SELECT s.source, [s.columns], s.load_id
FROM {raw}.{stage} AS s
JOIN {raw}.{units} AS u
    ON ([u.unit]) = ([s.unit])
WHERE NOT (u.is_known AND u.is_unchanged)
