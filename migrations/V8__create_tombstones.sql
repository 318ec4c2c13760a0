-- What stays of a person who was erased: enough to know the id when a file brings it again, and no more.

-- One row: two secrets of this database, with which ids are hashed (sha256 around sha256, as NMAC does). They are no
-- part of any view, log or compiled model; without them a tombstone cannot be tried against a list of ids.
CREATE TABLE quintile.person_keys (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    inner_key bytea NOT NULL,
    outer_key bytea NOT NULL
);
INSERT INTO quintile.person_keys (inner_key, outer_key)
SELECT
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
REVOKE ALL ON quintile.person_keys FROM PUBLIC;

-- One row an erased person. `source` is null where the person was erased whatever the source. With `keeps_orders` the
-- order lines stay, without the person.
CREATE TABLE quintile.tombstones (
    workspace text NOT NULL,
    source text,
    customer_hash bytea NOT NULL,
    keeps_orders boolean NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX tombstones_by_person
ON quintile.tombstones (workspace, customer_hash, coalesce(source, ''));

-- The keys are arguments, so that the planner can put the expression in the function's place: a load asks it of millions
-- of rows.
CREATE FUNCTION quintile.customer_hash(inner_key bytea, outer_key bytea, customer_id text) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.sha256(outer_key || pg_catalog.sha256(inner_key || pg_catalog.convert_to(customer_id, 'UTF8')))
$$;

-- How an id of the samples of data_quality is shown: the same for the same person, and nobody's id.
CREATE FUNCTION quintile.pseudonym(customer_id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'p-' || pg_catalog.left(
        pg_catalog.encode(quintile.customer_hash(k.inner_key, k.outer_key, customer_id), 'hex'), 12
    )
    FROM quintile.person_keys AS k
$$;

-- What of a line of text can be an id: its words, its fields as they would be between separators, and both without the
-- `.0` that spreadsheets add to numbers.
CREATE FUNCTION quintile.words_of(line text) RETURNS SETOF text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT word FROM pg_catalog.regexp_split_to_table(line, '[\s,;|"''()=]+') AS word WHERE word <> ''
    UNION
    SELECT btrim(field, ' "''') FROM pg_catalog.regexp_split_to_table(line, '[,;|\t]') AS field
    WHERE btrim(field, ' "''') <> ''
    UNION
    SELECT pg_catalog.regexp_replace(word, '\.0+$', '')
    FROM pg_catalog.regexp_split_to_table(line, '[\s,;|"''()=]+') AS word
    WHERE word ~ '[^.]\.0+$'
$$;
