-- Always: also for writers that replay another server's changes. The first two are those of earlier versions.
DROP TRIGGER IF EXISTS quintile_note_removed_by_delete ON {raw}.{table};
DROP TRIGGER IF EXISTS quintile_note_removed_by_update ON {raw}.{table};
CREATE OR REPLACE TRIGGER quintile_note_removed_line
AFTER UPDATE OR DELETE ON {raw}.{table}
FOR EACH ROW EXECUTE FUNCTION quintile.note_removed_line(100000);
ALTER TABLE {raw}.{table} ENABLE ALWAYS TRIGGER quintile_note_removed_line;
CREATE OR REPLACE TRIGGER quintile_note_removed_by_truncate
AFTER TRUNCATE ON {raw}.{table}
FOR EACH STATEMENT EXECUTE FUNCTION quintile.note_removed();
ALTER TABLE {raw}.{table} ENABLE ALWAYS TRIGGER quintile_note_removed_by_truncate
