-- The workspaces there are, for the selector.
SELECT workspace, title FROM quintile.workspaces ORDER BY workspace
