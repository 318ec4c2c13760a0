-- The loads of a file are looked for at each new one.
CREATE INDEX IF NOT EXISTS loads_by_file ON {raw}.loads (source, file_name, load_id)
