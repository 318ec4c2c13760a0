COPY {raw}.rejected_rows (source, file_name, line, column_name, reason, raw_text, load_id)
FROM STDIN (FORMAT binary)
