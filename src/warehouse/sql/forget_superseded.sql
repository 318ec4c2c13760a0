DELETE FROM quintile.superseded_tables WHERE workspace = $1
