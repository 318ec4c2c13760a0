-- Rows of one load lie together, so a small block index is enough to find them when the file is loaded again.
CREATE INDEX IF NOT EXISTS orders_by_load ON {raw}.orders USING brin (load_id)
