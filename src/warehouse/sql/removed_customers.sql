UNION ALL
    SELECT NULLIF(r.customer_id, '')
    FROM quintile.removed_rows AS r
    WHERE r.schema_name = [raw_name]
        AND r.table_name = 'orders'
        AND NOT pg_visible_in_snapshot(r.written_by, [seen]::pg_snapshot)
