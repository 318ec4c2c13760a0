-- The load's own tables.
DROP TABLE IF EXISTS {raw}.{stage}, {raw}.{units}
