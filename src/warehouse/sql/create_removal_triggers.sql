-- Always: also for writers that replay another server's changes. A trigger that sees the removed rows is for one event only.
CREATE OR REPLACE TRIGGER quintile_note_removed_by_delete
AFTER DELETE ON {raw}.{table} REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION quintile.note_removed(100000);
ALTER TABLE {raw}.{table} ENABLE ALWAYS TRIGGER quintile_note_removed_by_delete;
CREATE OR REPLACE TRIGGER quintile_note_removed_by_update
AFTER UPDATE ON {raw}.{table} REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION quintile.note_removed(100000);
ALTER TABLE {raw}.{table} ENABLE ALWAYS TRIGGER quintile_note_removed_by_update;
CREATE OR REPLACE TRIGGER quintile_note_removed_by_truncate
AFTER TRUNCATE ON {raw}.{table}
FOR EACH STATEMENT EXECUTE FUNCTION quintile.note_removed();
ALTER TABLE {raw}.{table} ENABLE ALWAYS TRIGGER quintile_note_removed_by_truncate
