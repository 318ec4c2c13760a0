-- Units that this file loaded before and does not hold any more.
DELETE FROM {raw}.{table} AS t
WHERE t.source = $1
    AND t.load_id = ANY ($2)
    AND NOT EXISTS (SELECT 1 FROM {raw}.{units} AS u WHERE ([u.unit]) = ([t.unit]))
