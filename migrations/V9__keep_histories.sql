-- What a history shows: the rows of all runs up to the one that its pointer names, but for those left out.

-- `left_out` are runs whose rows lie in the table and belong to no past of the pointer: they were not published, or
-- were turned away from. A roll-back takes the list back with the pointer. `keep_days` is the age from which rows may go.
ALTER TABLE quintile.live
    ADD COLUMN left_out bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN keep_days integer;
ALTER TABLE quintile.published_relations ADD COLUMN left_out bigint[] NOT NULL DEFAULT '{}';
