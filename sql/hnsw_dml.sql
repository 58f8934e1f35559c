-- INSERT, UPDATE, DELETE, COPY and transactions.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_dml (id int PRIMARY KEY, note text, v vector(3)) WITH (fillfactor = 50);
CREATE INDEX hnsw_dml_idx ON hnsw_dml USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;

-- The index, alone, knows the rows
CREATE FUNCTION hnsw_dml_ids() RETURNS int[] LANGUAGE sql AS
$$ SELECT array(SELECT id FROM (SELECT id FROM hnsw_dml ORDER BY v <-> '[0,0,0]' LIMIT 1000) _) $$;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_dml ORDER BY v <-> '[0,0,0]' LIMIT 1000;

-- The first row, and more
SELECT hnsw_dml_ids();
INSERT INTO hnsw_dml VALUES (1, 'a', '[1,0,0]');
SELECT hnsw_dml_ids();
INSERT INTO hnsw_dml VALUES (3, 'c', '[3,0,0]'), (2, 'b', '[2,0,0]');
SELECT hnsw_dml_ids();
INSERT INTO hnsw_dml VALUES (4, 'd', '[4,0,0]') RETURNING (SELECT count(*) FROM hnsw_dml);

-- A command sees its own rows only afterwards
INSERT INTO hnsw_dml SELECT 10 + id, note, v + '[10,0,0]' FROM (SELECT * FROM hnsw_dml ORDER BY v <-> '[0,0,0]' LIMIT 1000) _;
SELECT hnsw_dml_ids();

-- Rolled back, wholly or to a savepoint
BEGIN;
INSERT INTO hnsw_dml VALUES (5, 'e', '[5,0,0]');
SELECT hnsw_dml_ids();
ROLLBACK;
SELECT hnsw_dml_ids();
BEGIN;
INSERT INTO hnsw_dml VALUES (5, 'e', '[5,0,0]');
SAVEPOINT a;
INSERT INTO hnsw_dml VALUES (6, 'f', '[6,0,0]');
DELETE FROM hnsw_dml WHERE id = 1;
UPDATE hnsw_dml SET v = '[0.5,0,0]' WHERE id = 4;
SELECT hnsw_dml_ids();
ROLLBACK TO a;
SELECT hnsw_dml_ids();
INSERT INTO hnsw_dml VALUES (6, 'g', '[0.1,0,0]');
RELEASE a;
COMMIT;
SELECT hnsw_dml_ids();
-- A failed command leaves nothing that can be seen
INSERT INTO hnsw_dml VALUES (7, 'h', '[7,0,0]'), (1, 'again', '[8,0,0]');
INSERT INTO hnsw_dml SELECT i, 'x', ARRAY[i, 0, 1 / (25 - i)]::vector FROM generate_series(20, 30) i;
SELECT hnsw_dml_ids();
SELECT * FROM hnsw_check('hnsw_dml_idx', true);

-- An update that moves the row in the index, one that does not, and one of both
UPDATE hnsw_dml SET v = '[2.5,0,0]' WHERE id = 1;
SELECT hnsw_dml_ids();
UPDATE hnsw_dml SET note = note || '!';
UPDATE hnsw_dml SET note = note || '!';
SELECT hnsw_dml_ids();
SELECT pg_stat_force_next_flush();
SELECT n_tup_hot_upd > 0 AS hot FROM pg_stat_user_tables WHERE relname = 'hnsw_dml';
UPDATE hnsw_dml SET id = 100 + id, v = v;
UPDATE hnsw_dml SET id = id - 100;
SELECT hnsw_dml_ids();
SELECT id, note FROM hnsw_dml ORDER BY v <-> '[2.4,0,0]' LIMIT 2;
UPDATE hnsw_dml SET v = NULL WHERE id = 2;
SELECT hnsw_dml_ids();
UPDATE hnsw_dml SET v = '[2,0,0]' WHERE id = 2;
SELECT hnsw_dml_ids();
-- All rows to one place, and apart again
UPDATE hnsw_dml SET v = '[1,1,1]';
SELECT cardinality(hnsw_dml_ids());
UPDATE hnsw_dml SET v = ARRAY[id, 0, 0]::vector;
SELECT hnsw_dml_ids();
SELECT * FROM hnsw_check('hnsw_dml_idx', true);

-- DELETE, by the index and otherwise
DELETE FROM hnsw_dml WHERE id > 10;
SELECT hnsw_dml_ids();
DELETE FROM hnsw_dml WHERE id = (SELECT id FROM hnsw_dml ORDER BY v <-> '[0,0,0]' LIMIT 1) RETURNING id;
SELECT hnsw_dml_ids();
SELECT hnsw_dml_ids();

-- ON CONFLICT
INSERT INTO hnsw_dml VALUES (2, 'z', '[9,9,9]') ON CONFLICT DO NOTHING;
INSERT INTO hnsw_dml VALUES (2, 'z', '[0.2,0,0]'), (1, 'y', '[1,0,0]') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
SELECT hnsw_dml_ids();
-- MERGE
MERGE INTO hnsw_dml USING (VALUES (1, '[0.01,0,0]'::vector), (8, '[0.3,0,0]'), (3, NULL)) s (id, v) ON hnsw_dml.id = s.id
WHEN MATCHED AND s.v IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'm', s.v);
SELECT hnsw_dml_ids();

-- COPY
COPY hnsw_dml FROM stdin;
40	k	[40,0,0]
41	k	\N
42	k	[42,0,0]
\.
COPY hnsw_dml FROM stdin;
43	k	[43,0,0]
44	k	[44,0]
\.
SELECT hnsw_dml_ids();
SELECT * FROM hnsw_check('hnsw_dml_idx', true);

-- Everything goes, and comes again
DELETE FROM hnsw_dml;
SELECT hnsw_dml_ids();
INSERT INTO hnsw_dml VALUES (1, 'a', '[1,0,0]');
SELECT hnsw_dml_ids();
TRUNCATE hnsw_dml;
SELECT hnsw_dml_ids();
INSERT INTO hnsw_dml VALUES (2, 'b', '[2,0,0]');
SELECT hnsw_dml_ids();
BEGIN;
TRUNCATE hnsw_dml;
INSERT INTO hnsw_dml VALUES (3, 'c', '[3,0,0]');
SELECT hnsw_dml_ids();
ROLLBACK;
SELECT hnsw_dml_ids();
SELECT * FROM hnsw_check('hnsw_dml_idx', true);

-- Many, in one command and in many; a dead row that a scan has met is skipped by
-- the next one
INSERT INTO hnsw_dml SELECT i, '', test_vector(i, 3) FROM generate_series(1001, 1500) i;
DO $$ BEGIN FOR i IN 1501..1700 LOOP INSERT INTO hnsw_dml VALUES (i, '', test_vector(i, 3)); END LOOP; END $$;
RESET enable_seqscan;
SELECT * FROM check_search('hnsw_dml', '<->');
SELECT * FROM hnsw_check('hnsw_dml_idx', true);
DELETE FROM hnsw_dml WHERE id % 2 = 0;
SELECT * FROM check_search('hnsw_dml', '<->');
SELECT * FROM check_search('hnsw_dml', '<->');
SELECT * FROM hnsw_check('hnsw_dml_idx', true);
UPDATE hnsw_dml SET v = v + '[0.2,0.2,0.2]' WHERE id % 3 = 0;
SELECT * FROM check_search('hnsw_dml', '<->');
SELECT * FROM check_search('hnsw_dml', '<->');
VACUUM hnsw_dml;
SELECT * FROM check_search('hnsw_dml', '<->');
SELECT * FROM hnsw_check('hnsw_dml_idx', true);

-- An entry whose row a scan has found dead is not looked at again
CREATE TABLE hnsw_dml_kill (id int, v vector(3)) WITH (autovacuum_enabled = off);
CREATE INDEX hnsw_dml_kill_idx ON hnsw_dml_kill USING hnsw (v vector_l2_ops);
INSERT INTO hnsw_dml_kill SELECT i, test_vector(i / 10, 3) FROM generate_series(1, 99) i;
DELETE FROM hnsw_dml_kill WHERE id % 9 > 0;
SET enable_seqscan = off;
SET hnsw.ef_search = 100;
SELECT count(*) FROM (SELECT id FROM hnsw_dml_kill ORDER BY v <-> '[0,0,0]' LIMIT 100) _;
SELECT pg_stat_force_next_flush();
SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'hnsw_dml_kill_idx' \gset
SELECT count(*) FROM (SELECT id FROM hnsw_dml_kill ORDER BY v <-> '[0,0,0]' LIMIT 100) _;
SELECT pg_stat_force_next_flush();
SELECT :idx_tup_read AS before, idx_tup_read - :idx_tup_read AS after FROM pg_stat_user_indexes WHERE indexrelname = 'hnsw_dml_kill_idx';
SELECT * FROM hnsw_check('hnsw_dml_kill_idx', true);
-- ... while one whose deletion is rolled back is found again
INSERT INTO hnsw_dml_kill VALUES (1000, '[0,0,0]');
BEGIN;
DELETE FROM hnsw_dml_kill WHERE id = 1000;
SELECT count(*) FROM (SELECT id FROM hnsw_dml_kill ORDER BY v <-> '[0,0,0]' LIMIT 100) _;
ROLLBACK;
SELECT id FROM hnsw_dml_kill ORDER BY v <-> '[0,0,0]' LIMIT 1;
VACUUM hnsw_dml_kill;
SELECT * FROM hnsw_check('hnsw_dml_kill_idx', true);
DROP TABLE hnsw_dml_kill;
RESET hnsw.ef_search;
RESET enable_seqscan;

-- A row that a trigger or a foreign key writes
CREATE TABLE hnsw_dml_parent (id int PRIMARY KEY);
INSERT INTO hnsw_dml_parent SELECT id FROM hnsw_dml;
ALTER TABLE hnsw_dml ADD FOREIGN KEY (id) REFERENCES hnsw_dml_parent ON DELETE CASCADE;
DELETE FROM hnsw_dml_parent WHERE id <> 1501;
SET enable_seqscan = off;
SELECT hnsw_dml_ids();
SELECT * FROM hnsw_check('hnsw_dml_idx', true);
DROP FUNCTION hnsw_dml_ids;
DROP TABLE hnsw_dml, hnsw_dml_parent;

-- A file of some size grows by many pages at a time, not by one
CREATE TABLE hnsw_dml_grow (v vector(512));
CREATE INDEX hnsw_dml_grow_idx ON hnsw_dml_grow USING hnsw (v vector_l2_ops);
SET hnsw.pending_limit = 1000;
CREATE TEMP TABLE hnsw_dml_sizes (pages int);
DO $$
BEGIN
  FOR i IN 1 .. 900 LOOP
    INSERT INTO hnsw_dml_grow SELECT array_agg(sin(i * d)) FROM generate_series(1, 512) d;
    INSERT INTO hnsw_dml_sizes VALUES (pg_relation_size('hnsw_dml_grow_idx') / 8192);
  END LOOP;
END $$;
SELECT max(pages) BETWEEN 310 AND 360 AS of_some_size, count(DISTINCT pages) < 130 AS in_few_steps FROM hnsw_dml_sizes;
SELECT * FROM hnsw_check('hnsw_dml_grow_idx');
RESET hnsw.pending_limit;
DROP TABLE hnsw_dml_grow, hnsw_dml_sizes;
