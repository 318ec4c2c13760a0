-- Always: also for writers that replay another server's changes, for whom other triggers are silent.
CREATE OR REPLACE TRIGGER quintile_note_change
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {raw}.{table}
FOR EACH STATEMENT EXECUTE FUNCTION quintile.note_change();
ALTER TABLE {raw}.{table} ENABLE ALWAYS TRIGGER quintile_note_change
