-- How many of the raw tables' names are there, and whether the newest column of the loads and the newest comment are.
SELECT
    (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace($1) AND relname = ANY ($2)),
    EXISTS (
        SELECT 1
        FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_class AS c
            ON c.oid = a.attrelid
        WHERE c.relnamespace = to_regnamespace($1)
            AND c.relname = 'loads'
            AND a.attname = 'finished_at'
            AND NOT a.attisdropped
    )
    AND EXISTS (
        SELECT 1
        FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_class AS c
            ON c.oid = a.attrelid
        WHERE c.relnamespace = to_regnamespace($1)
            AND c.relname = 'campaign_members'
            AND a.attname = 'load_id'
            AND col_description(c.oid, a.attnum) IS NOT NULL
    )
