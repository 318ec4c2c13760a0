DELETE FROM quintile.superseded_tables WHERE workspace = $1 AND table_name = ANY ($2::text[])
