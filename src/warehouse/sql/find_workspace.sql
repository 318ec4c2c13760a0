-- A row if the workspace is registered under this title and its three schemas exist.
SELECT 1
FROM quintile.workspaces
WHERE workspace = $1
  AND ($5::text IS NULL OR title IS NOT DISTINCT FROM $5)
  AND to_regnamespace(quote_ident($2)) IS NOT NULL
  AND to_regnamespace(quote_ident($3)) IS NOT NULL
  AND to_regnamespace(quote_ident($4)) IS NOT NULL
