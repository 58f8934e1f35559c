-- Expression, partial, unlogged and temporary indexes, and several on one table.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

-- Expressions: a column without dimensions, other types, a part of the vector
CREATE TABLE hnsw_expression (id int, model int, e vector, a real[]);
INSERT INTO hnsw_expression SELECT i, 3 + i % 2, test_vector(i, 3 + i % 2), test_vector(i, 5)::real[] FROM generate_series(1, 2000) i;
CREATE INDEX hnsw_expression_3_idx ON hnsw_expression USING hnsw ((e::vector(3)) vector_l2_ops) WHERE model = 3;
CREATE INDEX hnsw_expression_4_idx ON hnsw_expression USING hnsw ((e::vector(4)) vector_l2_ops) WHERE (model = 4);
CREATE INDEX hnsw_expression_a_idx ON hnsw_expression USING hnsw ((a::vector(5)) vector_cosine_ops);
CREATE INDEX hnsw_expression_2_idx ON hnsw_expression USING hnsw ((a[2:3]::vector(2)) vector_l2_ops);
CREATE INDEX hnsw_expression_normal_idx ON hnsw_expression USING hnsw ((l2_normalize(a::vector(5))::vector(5)) vector_ip_ops);
ANALYZE hnsw_expression;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_expression WHERE model = 3 ORDER BY e::vector(3) <-> '[1,2,3]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_expression WHERE model = 4 ORDER BY e::vector(4) <-> '[1,2,3,4]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_expression ORDER BY a::vector(5) <=> '[1,2,3,4,5]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_expression ORDER BY a[2:3]::vector(2) <-> '[1,2]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_expression ORDER BY l2_normalize(a::vector(5))::vector(5) <#> '[1,2,3,4,5]' LIMIT 5;
SELECT count(*) FROM generate_series(1, 50) i
WHERE (SELECT id FROM hnsw_expression WHERE model = 3 ORDER BY e::vector(3) <-> test_vector(2 * i, 3) LIMIT 1) = 2 * i;
SELECT count(*) FROM generate_series(1, 50) i
WHERE (SELECT id FROM hnsw_expression WHERE model = 4 ORDER BY e::vector(4) <-> test_vector(2 * i + 1, 4) LIMIT 1) = 2 * i + 1;
SELECT count(*) FROM generate_series(1, 50) i
WHERE (SELECT id FROM hnsw_expression ORDER BY a::vector(5) <=> test_vector(i, 5) LIMIT 1) = i;
SELECT count(*) FROM generate_series(1, 50) i
WHERE (SELECT id FROM hnsw_expression ORDER BY l2_normalize(a::vector(5))::vector(5) <#> l2_normalize(test_vector(i, 5)) LIMIT 1) = i;
-- Another condition or another expression is another matter
SELECT scans_of($$SELECT id FROM hnsw_expression WHERE model = 5 ORDER BY e::vector(3) <-> '[1,2,3]' LIMIT 5$$);
SELECT scans_of($$SELECT id FROM hnsw_expression WHERE model = 3 ORDER BY e <-> '[1,2,3]' LIMIT 5$$);
-- A row of another length is none of the index's business, unless the condition says so
INSERT INTO hnsw_expression VALUES (3001, 7, '[1,2,3,4,5,6,7]', ARRAY[1, 2, 3, 4, 5]);
INSERT INTO hnsw_expression VALUES (3002, 3, '[1,2,3,4]', ARRAY[1, 2, 3, 4, 5]);
INSERT INTO hnsw_expression VALUES (3002, 3, '[1,2,3]', ARRAY[1, 2, 3, 4]);
UPDATE hnsw_expression SET model = 4 WHERE id = 10;
UPDATE hnsw_expression SET model = 5 WHERE id = 10;
SELECT id = 10 AS left_behind FROM hnsw_expression WHERE model = 3 ORDER BY e::vector(3) <-> test_vector(10, 3) LIMIT 1;
UPDATE hnsw_expression SET model = 3 WHERE id = 10;
SELECT id FROM hnsw_expression WHERE model = 3 ORDER BY e::vector(3) <-> test_vector(10, 3) LIMIT 1;
VACUUM hnsw_expression;
SELECT relname, c.* FROM pg_class, hnsw_check(oid, true) c WHERE relname LIKE 'hnsw\_expression\_%' AND relkind = 'i';
DROP TABLE hnsw_expression;

-- Partial
CREATE TABLE hnsw_partial (id int, category int, v vector(4));
INSERT INTO hnsw_partial SELECT i, i % 10, test_vector(i, 4) FROM generate_series(1, 3000) i;
CREATE INDEX hnsw_partial_idx ON hnsw_partial USING hnsw (v vector_l2_ops) WHERE category = 1;
CREATE INDEX hnsw_partial_none_idx ON hnsw_partial USING hnsw (v vector_l2_ops) WHERE category = 99;
ANALYZE hnsw_partial;
SELECT relname, reltuples FROM pg_class WHERE relname LIKE 'hnsw\_partial\_%idx' ORDER BY 1;
SELECT scans_of($$SELECT id FROM hnsw_partial WHERE category = 1 ORDER BY v <-> '[0,0,0,0]' LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_partial WHERE category = 2 ORDER BY v <-> '[0,0,0,0]' LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_partial ORDER BY v <-> '[0,0,0,0]' LIMIT 10$$);
SELECT scans_of($$SELECT count(*) FROM hnsw_partial WHERE category = 1$$);
SET enable_seqscan = off;
SELECT scans_of($$SELECT count(*) FROM hnsw_partial WHERE category = 1$$);
SELECT count(*) FROM hnsw_partial WHERE category = 1;
RESET enable_seqscan;
SELECT * FROM check_search('hnsw_partial', '<->', 10, 'category = 1');
SELECT * FROM check_search('hnsw_partial', '<->', 10, 'category = 1 AND id > 1500');
INSERT INTO hnsw_partial SELECT i, i % 10, test_vector(i, 4) FROM generate_series(3001, 3500) i;
UPDATE hnsw_partial SET category = 1 WHERE category = 2;
UPDATE hnsw_partial SET category = 3 WHERE category = 1 AND id % 2 = 0;
SELECT * FROM check_search('hnsw_partial', '<->', 10, 'category = 1');
SELECT id FROM hnsw_partial WHERE category = 99 ORDER BY v <-> '[0,0,0,0]' LIMIT 10;
VACUUM hnsw_partial;
SELECT * FROM check_search('hnsw_partial', '<->', 10, 'category = 1');
SELECT * FROM hnsw_check('hnsw_partial_idx', true);
SELECT * FROM hnsw_check('hnsw_partial_none_idx', true);
DROP TABLE hnsw_partial;

-- Unlogged, and changed to logged and back
CREATE UNLOGGED TABLE hnsw_unlogged (id int, v vector(4));
INSERT INTO hnsw_unlogged SELECT i, test_vector(i, 4) FROM generate_series(1, 500) i;
CREATE INDEX hnsw_unlogged_idx ON hnsw_unlogged USING hnsw (v vector_l2_ops);
INSERT INTO hnsw_unlogged SELECT i, test_vector(i, 4) FROM generate_series(501, 1000) i;
SELECT * FROM check_search('hnsw_unlogged', '<->');
DELETE FROM hnsw_unlogged WHERE id % 2 = 0;
VACUUM hnsw_unlogged;
SELECT * FROM check_search('hnsw_unlogged', '<->');
SELECT * FROM hnsw_check('hnsw_unlogged_idx', true);
ALTER TABLE hnsw_unlogged SET LOGGED;
SELECT * FROM check_search('hnsw_unlogged', '<->');
SELECT * FROM hnsw_check('hnsw_unlogged_idx', true);
ALTER TABLE hnsw_unlogged SET UNLOGGED;
INSERT INTO hnsw_unlogged SELECT i, test_vector(i, 4) FROM generate_series(1001, 1100) i;
SELECT * FROM check_search('hnsw_unlogged', '<->');
SELECT * FROM hnsw_check('hnsw_unlogged_idx', true);
DROP TABLE hnsw_unlogged;
CREATE UNLOGGED TABLE hnsw_unlogged (id int, v vector(4));
CREATE INDEX hnsw_unlogged_idx ON hnsw_unlogged USING hnsw (v vector_l2_ops);
INSERT INTO hnsw_unlogged SELECT i, test_vector(i, 4) FROM generate_series(1, 300) i;
SELECT * FROM check_search('hnsw_unlogged', '<->');
SELECT * FROM hnsw_check('hnsw_unlogged_idx', true);
DROP TABLE hnsw_unlogged;

-- Temporary, in the backend's own buffers
CREATE TEMP TABLE hnsw_temp (id int, v vector(4));
INSERT INTO hnsw_temp SELECT i, test_vector(i, 4) FROM generate_series(1, 500) i;
CREATE INDEX hnsw_temp_idx ON hnsw_temp USING hnsw (v vector_l2_ops);
INSERT INTO hnsw_temp SELECT i, test_vector(i, 4) FROM generate_series(501, 1000) i;
SELECT * FROM check_search('hnsw_temp', '<->');
DELETE FROM hnsw_temp WHERE id % 2 = 0;
VACUUM hnsw_temp;
SELECT * FROM check_search('hnsw_temp', '<->');
SELECT * FROM hnsw_check('hnsw_temp_idx', true);
DROP TABLE hnsw_temp;
CREATE TEMP TABLE hnsw_temp (id int, v vector(600)) ON COMMIT DELETE ROWS;
CREATE INDEX hnsw_temp_idx ON hnsw_temp USING hnsw (v vector_cosine_ops) WITH (quantization = none);
SELECT * FROM hnsw_check('hnsw_temp_idx', true);
BEGIN;
INSERT INTO hnsw_temp SELECT i, test_vector(i, 600) FROM generate_series(1, 100) i;
SELECT * FROM check_search('hnsw_temp', '<=>', queries => 5);
SELECT * FROM hnsw_check('hnsw_temp_idx', true);
COMMIT;
SELECT count(*) FROM nearest('hnsw_temp', '<=>', test_vector(1, 600), 10, true, 'true');
SELECT * FROM hnsw_check('hnsw_temp_idx', true);
DROP TABLE hnsw_temp;

-- Made and filled within one transaction, and one that is rolled back
BEGIN;
CREATE TABLE hnsw_transaction (id int, v vector(4));
CREATE INDEX hnsw_transaction_idx ON hnsw_transaction USING hnsw (v vector_l2_ops);
INSERT INTO hnsw_transaction SELECT i, test_vector(i, 4) FROM generate_series(1, 300) i;
SAVEPOINT a;
CREATE INDEX hnsw_transaction_ip_idx ON hnsw_transaction USING hnsw (v vector_ip_ops);
SELECT * FROM check_search('hnsw_transaction', '<#>');
ROLLBACK TO a;
DELETE FROM hnsw_transaction WHERE id % 2 = 0;
SELECT * FROM check_search('hnsw_transaction', '<->');
COMMIT;
SELECT * FROM check_search('hnsw_transaction', '<->');
SELECT * FROM hnsw_check('hnsw_transaction_idx', true);
-- Moved to another tablespace
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE hnsw_tablespace LOCATION '';
ALTER INDEX hnsw_transaction_idx SET TABLESPACE hnsw_tablespace;
INSERT INTO hnsw_transaction SELECT i, test_vector(i, 4) FROM generate_series(301, 400) i;
SELECT * FROM check_search('hnsw_transaction', '<->');
SELECT * FROM hnsw_check('hnsw_transaction_idx', true);
DROP TABLE hnsw_transaction;
DROP TABLESPACE hnsw_tablespace;
RESET allow_in_place_tablespaces;

-- On a materialized view, refreshed in both ways
CREATE TABLE hnsw_view_of (id int, v vector(4));
INSERT INTO hnsw_view_of SELECT i, test_vector(i, 4) FROM generate_series(1, 500) i;
CREATE MATERIALIZED VIEW hnsw_view AS SELECT id, v FROM hnsw_view_of;
CREATE UNIQUE INDEX ON hnsw_view (id);
CREATE INDEX hnsw_view_idx ON hnsw_view USING hnsw (v vector_l2_ops);
SELECT * FROM check_search('hnsw_view', '<->');
UPDATE hnsw_view_of SET v = test_vector(id, 4, 1) WHERE id % 2 = 0;
DELETE FROM hnsw_view_of WHERE id % 3 = 0;
REFRESH MATERIALIZED VIEW CONCURRENTLY hnsw_view;
SELECT * FROM check_search('hnsw_view', '<->');
SELECT * FROM hnsw_check('hnsw_view_idx', true);
REFRESH MATERIALIZED VIEW hnsw_view;
SELECT * FROM check_search('hnsw_view', '<->');
SELECT * FROM hnsw_check('hnsw_view_idx', true);
DROP TABLE hnsw_view_of CASCADE;

-- A table with a column dropped before and a default added after
CREATE TABLE hnsw_columns (gone text, id int, v vector(3));
INSERT INTO hnsw_columns SELECT 'x', i, test_vector(i, 3) FROM generate_series(1, 200) i;
ALTER TABLE hnsw_columns DROP gone;
CREATE INDEX hnsw_columns_idx ON hnsw_columns USING hnsw (v vector_l2_ops);
ALTER TABLE hnsw_columns ADD w vector(2) DEFAULT '[1,2]';
CREATE INDEX hnsw_columns_w_idx ON hnsw_columns USING hnsw (w vector_l2_ops);
INSERT INTO hnsw_columns SELECT i, test_vector(i, 3) FROM generate_series(201, 300) i;
SELECT * FROM check_search('hnsw_columns', '<->');
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM hnsw_columns ORDER BY w <-> '[1,2]' LIMIT 1000) _;
RESET enable_seqscan;
ALTER TABLE hnsw_columns RENAME v TO u;
ALTER INDEX hnsw_columns_idx RENAME TO hnsw_columns_renamed_idx;
ALTER TABLE hnsw_columns DROP w;
INSERT INTO hnsw_columns VALUES (301, '[1,2,3]');
SELECT id FROM hnsw_columns ORDER BY u <-> '[1,2,3]' LIMIT 1;
SELECT * FROM hnsw_check('hnsw_columns_renamed_idx', true);
DROP TABLE hnsw_columns;
