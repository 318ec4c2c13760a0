-- Units that changed go as a whole, before their new rows come.
DELETE FROM {raw}.{table} AS t
USING {raw}.{units} AS u
WHERE t.source = $1
    AND ([t.unit]) = ([u.unit])
    AND u.is_known
    AND NOT u.is_unchanged
