-- Rows as the reading side writes them; the table and its columns are spliced in.
COPY [table] ([columns]) FROM STDIN (FORMAT binary)
