-- What cannot be indexed, inserted or asked for, and that nothing is lost by it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_errors (id int PRIMARY KEY, v vector(3), w vector, a real[], t text);
INSERT INTO hnsw_errors SELECT i, test_vector(i, 3), test_vector(i, 3 + i % 2), test_vector(i, 3)::real[], '[1,2,3]' FROM generate_series(1, 200) i;

-- Definitions
CREATE INDEX ON hnsw_errors USING hnsw (w vector_l2_ops);
CREATE INDEX ON hnsw_errors USING hnsw ((w::vector(3)) vector_l2_ops);
CREATE INDEX ON hnsw_errors USING hnsw (a vector_l2_ops);
CREATE INDEX ON hnsw_errors USING hnsw (v vector_l2_ops, w vector_l2_ops);
CREATE INDEX ON hnsw_errors USING hnsw (v vector_l2_ops, id);
CREATE UNIQUE INDEX ON hnsw_errors USING hnsw (v vector_l2_ops);
CREATE INDEX ON hnsw_errors USING hnsw (v vector_l2_ops) INCLUDE (id);
CREATE INDEX ON hnsw_errors USING hnsw (v vector_l2_ops ASC);
CREATE INDEX ON hnsw_errors USING hnsw (v vector_l2_ops NULLS FIRST);
-- Newer servers name the operators with their schema
\set VERBOSITY sqlstate
ALTER TABLE hnsw_errors ADD EXCLUDE USING hnsw (v vector_l2_ops WITH <->);
ALTER TABLE hnsw_errors ADD EXCLUDE USING hnsw (v vector_l2_ops WITH =);
\set VERBOSITY default
CREATE TABLE hnsw_errors_wide (v vector(16001));
SELECT count(*) FROM pg_indexes WHERE tablename = 'hnsw_errors';
\set VERBOSITY sqlstate
CREATE INDEX ON hnsw_errors USING hnsw (w vector_l2_ops);
\set VERBOSITY default

-- Rows
CREATE INDEX hnsw_errors_idx ON hnsw_errors USING hnsw (v vector_l2_ops);
CREATE INDEX hnsw_errors_expression_idx ON hnsw_errors USING hnsw ((t::vector(3)) vector_ip_ops);
INSERT INTO hnsw_errors VALUES (1001, '[1,2]');
INSERT INTO hnsw_errors VALUES (1001, '[1,2,3,4]');
INSERT INTO hnsw_errors VALUES (1001, '[1,2,NaN]');
INSERT INTO hnsw_errors VALUES (1001, '[1,2,Infinity]');
INSERT INTO hnsw_errors VALUES (1001, '[1,2,1e39]');
INSERT INTO hnsw_errors VALUES (1001, '{1,2,3}');
INSERT INTO hnsw_errors VALUES (1001, ARRAY[1, 2, 'NaN']::real[]);
INSERT INTO hnsw_errors VALUES (1001, ARRAY[[1, 2, 3]]);
INSERT INTO hnsw_errors (id, v, t) VALUES (1001, '[1,2,3]', '[1,2]');
INSERT INTO hnsw_errors (id, v, t) VALUES (1001, '[1,2,3]', 'no vector');
UPDATE hnsw_errors SET v = v || '[4]' WHERE id = 5;
UPDATE hnsw_errors SET v = v * '[1e30,1e30,1e30]' * '[1e30,1e30,1e30]' WHERE id = 5;
COPY hnsw_errors (id, v) FROM stdin;
2001	[1,2,3]
2002	[1,2,nan]
\.
-- The largest and the smallest numbers are numbers
INSERT INTO hnsw_errors (id, v) VALUES (1001, '[3.4e38,-3.4e38,3.4e38]'), (1002, '[1e-45,0,-1e-45]'), (1003, '[3.4e38,1e-45,1]');
SELECT id FROM nearest('hnsw_errors', '<->', '[1e-45,0,-1e-45]', 1, true, 'true');
SELECT count(*) FROM nearest('hnsw_errors', '<->', '[0,0,0]', 300, true, 'true');
DELETE FROM hnsw_errors WHERE id > 1000;
SELECT count(*) FROM nearest('hnsw_errors', '<->', '[0,0,0]', 300, true, 'true');

-- Queries
SET enable_seqscan = off;
SELECT id FROM hnsw_errors ORDER BY v <-> '[1,2]' LIMIT 1;
SELECT id FROM hnsw_errors ORDER BY v <-> '[1,2,3,4]' LIMIT 1;
SELECT id FROM hnsw_errors ORDER BY v <-> '[]' LIMIT 1;
SELECT id FROM hnsw_errors ORDER BY v <-> '[1,NaN,3]' LIMIT 1;
SELECT id FROM hnsw_errors ORDER BY v <-> '1,2,3' LIMIT 1;
SELECT id FROM hnsw_errors ORDER BY v <-> 'abc'::text LIMIT 1;
RESET enable_seqscan;

-- Functions for other things than indexes of this kind
SELECT * FROM hnsw_check('hnsw_errors_pkey');
SELECT * FROM hnsw_check('hnsw_errors');
SELECT * FROM hnsw_check('no_such_index');
SELECT * FROM hnsw_check(NULL);
CLUSTER hnsw_errors USING hnsw_errors_idx;
ALTER TABLE hnsw_errors REPLICA IDENTITY USING INDEX hnsw_errors_idx;
ALTER TABLE hnsw_errors ADD UNIQUE USING INDEX hnsw_errors_idx;

-- Cancelled in the middle of a build: nothing of it is left. (No other statement has
-- so little time.)
BEGIN;
SET LOCAL statement_timeout = 1;
\set VERBOSITY terse
CREATE INDEX hnsw_errors_cancelled_idx ON hnsw_errors USING hnsw ((test_vector(id, 500)::vector(500)) vector_l2_ops) WITH (m = 50, ef_construction = 1000);
\set VERBOSITY default
ROLLBACK;
SELECT count(*) FROM pg_class WHERE relname = 'hnsw_errors_cancelled_idx';
-- An error from the indexed expression does the same
CREATE INDEX hnsw_errors_failed_idx ON hnsw_errors USING hnsw ((ARRAY[1, 1 / (100 - id)]::vector(2)) vector_l2_ops);
SELECT count(*) FROM pg_class WHERE relname = 'hnsw_errors_failed_idx';
CREATE INDEX CONCURRENTLY hnsw_errors_failed_idx ON hnsw_errors USING hnsw ((ARRAY[1, 1 / (100 - id)]::vector(2)) vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'hnsw_errors_failed_idx'::regclass;
DROP INDEX hnsw_errors_failed_idx;

-- Everything is still there
SELECT * FROM check_search('hnsw_errors', '<->');
SELECT * FROM hnsw_check('hnsw_errors_idx', true);
SELECT * FROM hnsw_check('hnsw_errors_expression_idx', true);

-- The extension takes its indexes with it; so does the access method
BEGIN;
\set VERBOSITY terse
DROP EXTENSION hnswpg;
\set VERBOSITY default
ROLLBACK;
BEGIN;
SET LOCAL client_min_messages = error;
DROP EXTENSION hnswpg CASCADE;
SELECT indexname FROM pg_indexes WHERE tablename = 'hnsw_errors';
SELECT attname FROM pg_attribute WHERE attrelid = 'hnsw_errors'::regclass AND attnum > 0 AND NOT attisdropped;
CREATE EXTENSION hnswpg;
CREATE TABLE hnsw_errors_again (v vector(2));
INSERT INTO hnsw_errors_again VALUES ('[1,2]'), ('[2,3]');
CREATE INDEX hnsw_errors_again_idx ON hnsw_errors_again USING hnsw (v vector_cosine_ops);
SET LOCAL enable_seqscan = off;
SELECT v FROM hnsw_errors_again ORDER BY v <=> '[2,3]' LIMIT 1;
ROLLBACK;
DROP ACCESS METHOD hnsw CASCADE;
SELECT * FROM check_search('hnsw_errors', '<->');
DROP TABLE hnsw_errors;
