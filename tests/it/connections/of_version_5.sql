CREATE SCHEMA marts;
INSERT INTO quintile.runs (workspace, state, trigger, as_of, process, finished_at, published_at)
SELECT 'default', 'published', 'cli', timestamptz '2026-01-01Z' + make_interval(days => n), 'old', now(),
    timestamptz '2026-01-01Z' + make_interval(days => n)
FROM generate_series(1, 3) AS n;
INSERT INTO quintile.run_models (run_id, model, materialization, state, store_relation, parent_relation, fingerprint)
SELECT r.run_id, m.model, 'table', 'built', format('%s__r%s', m.model, r.run_id), m.model || '__00000000', 'old'
FROM quintile.runs AS r CROSS JOIN (VALUES ('a'), ('b')) AS m (model)
WHERE r.run_id < 3 OR m.model = 'a';
CREATE TABLE quintile_store.a__00000000 (run_id bigint NOT NULL, n integer) PARTITION BY LIST (run_id);
CREATE TABLE quintile_store.a__r2 PARTITION OF quintile_store.a__00000000 FOR VALUES IN (2);
CREATE TABLE quintile_store.a__r3 PARTITION OF quintile_store.a__00000000 FOR VALUES IN (3);
CREATE TABLE quintile_store.b__00000000 (run_id bigint NOT NULL, n integer) PARTITION BY LIST (run_id);
CREATE TABLE quintile_store.b__r2 PARTITION OF quintile_store.b__00000000 FOR VALUES IN (2);
INSERT INTO quintile_store.a__00000000 VALUES (2, 1), (2, 2), (3, 1), (3, 2), (3, 3);
INSERT INTO quintile_store.b__00000000 VALUES (2, 1);
INSERT INTO quintile.live (workspace, relation, run_id, materialization, access, parent_relation, view_fingerprint, published_at)
VALUES
    ('default', 'a', 3, 'table', 'public', 'a__00000000', 'old', '2026-01-04Z'),
    ('default', 'b', 2, 'table', 'public', 'b__00000000', 'old', '2026-01-03Z');
CREATE VIEW marts.a AS
SELECT n FROM quintile_store.a__00000000
WHERE run_id = (SELECT l.run_id FROM quintile.live AS l WHERE l.workspace = 'default' AND l.relation = 'a');
