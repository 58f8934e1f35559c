-- Building an index over rows that are there, and one row after another.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_build (id int PRIMARY KEY, v vector(8));
INSERT INTO hnsw_build SELECT i, test_vector(i, 8) FROM generate_series(1, 1500) i;
ANALYZE hnsw_build;

-- With one thread, with three, and with one row after another
SET max_parallel_maintenance_workers = 0;
CREATE INDEX hnsw_build_idx ON hnsw_build USING hnsw (v vector_l2_ops);
SELECT * FROM check_search('hnsw_build', '<->');
SELECT * FROM hnsw_check('hnsw_build_idx', true);
SELECT reltuples FROM pg_class WHERE relname = 'hnsw_build_idx';
DROP INDEX hnsw_build_idx;

SET max_parallel_maintenance_workers = 2;
CREATE INDEX hnsw_build_idx ON hnsw_build USING hnsw (v vector_l2_ops);
SELECT * FROM check_search('hnsw_build', '<->');
SELECT * FROM hnsw_check('hnsw_build_idx', true);
RESET max_parallel_maintenance_workers;

TRUNCATE hnsw_build;
SELECT * FROM nearest('hnsw_build', '<->', '[0,0,0,0,0,0,0,0]', 5, true, 'true');
SELECT * FROM hnsw_check('hnsw_build_idx', true);
INSERT INTO hnsw_build SELECT i, test_vector(i, 8) FROM generate_series(1, 1500) i;
SELECT * FROM check_search('hnsw_build', '<->');
SELECT * FROM hnsw_check('hnsw_build_idx', true);

-- More rows than the memory allowed holds: the rest is inserted on pages. A
-- message says at which row; it is left out here, since that row may vary
CREATE TABLE hnsw_build_memory (id int, v vector(100));
INSERT INTO hnsw_build_memory SELECT i, test_vector(i, 100) FROM generate_series(1, 2500) i;
SET maintenance_work_mem = '1MB';
SET client_min_messages = warning;
CREATE INDEX hnsw_build_memory_idx ON hnsw_build_memory USING hnsw (v vector_l2_ops) WITH (quantization = none);
RESET client_min_messages;
RESET maintenance_work_mem;
SELECT * FROM check_search('hnsw_build_memory', '<->', floor => 0.7);
SET hnsw.ef_search = 400;
SELECT * FROM check_search('hnsw_build_memory', '<->');
RESET hnsw.ef_search;
SELECT * FROM hnsw_check('hnsw_build_memory_idx', true);
-- What the memory holds gives no message
SET maintenance_work_mem = '64MB';
REINDEX INDEX hnsw_build_memory_idx;
RESET maintenance_work_mem;
SELECT * FROM hnsw_check('hnsw_build_memory_idx', true);
DROP TABLE hnsw_build_memory;

-- From one element to the most an element may have, over pages and with
-- elements wider than a page; built and inserted
CREATE FUNCTION build_wide(dim int, quantization text, n int, OUT built text, OUT inserted text, OUT problems bigint)
LANGUAGE plpgsql AS $$
DECLARE
  q text := CASE quantization WHEN 'int8' THEN 'int8' ELSE 'none' END;
BEGIN
  EXECUTE format('CREATE TABLE hnsw_build_wide (id int, v vector(%s))', dim);
  EXECUTE format('INSERT INTO hnsw_build_wide SELECT i, test_vector(i, %s) FROM generate_series(1, %s) i', dim, n);
  EXECUTE format('CREATE INDEX hnsw_build_wide_idx ON hnsw_build_wide USING hnsw (v vector_l2_ops) WITH (quantization = %s)', q);
  SELECT c::text INTO built FROM check_search('hnsw_build_wide', '<->', least(10, n), queries => 5) c;
  EXECUTE format('INSERT INTO hnsw_build_wide SELECT i, test_vector(i, %s) FROM generate_series(%s, %s) i', dim, n + 1, 2 * n);
  SELECT c::text INTO inserted FROM check_search('hnsw_build_wide', '<->', least(10, n), queries => 5) c;
  SELECT count(*) INTO problems FROM hnsw_check('hnsw_build_wide_idx', true);
  DROP TABLE hnsw_build_wide;
END $$;
SELECT w.*, b.* FROM (VALUES (1, 'int8', 50), (1, 'none', 50), (2, 'int8', 50), (3, 'none', 50), (63, 'int8', 50),
                             (768, 'int8', 60), (768, 'none', 60), (2000, 'int8', 40), (2000, 'none', 40),
                             (9000, 'int8', 15), (9000, 'none', 10), (16000, 'int8', 10), (16000, 'none', 10))
                     w (dim, quantization, n), build_wide(dim, quantization, n) b;
DROP FUNCTION build_wide;

-- With the fewest and the most neighbours
CREATE INDEX hnsw_build_m2_idx ON hnsw_build USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
SELECT * FROM hnsw_check('hnsw_build_m2_idx', true);
DROP INDEX hnsw_build_idx;
SET hnsw.ef_search = 200;
SELECT * FROM check_search('hnsw_build', '<->', floor => 0.5);
RESET hnsw.ef_search;
INSERT INTO hnsw_build SELECT i, test_vector(i, 8) FROM generate_series(1501, 1800) i;
SELECT * FROM hnsw_check('hnsw_build_m2_idx', true);
DROP INDEX hnsw_build_m2_idx;
CREATE INDEX hnsw_build_m100_idx ON hnsw_build USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
INSERT INTO hnsw_build SELECT i, test_vector(i, 8) FROM generate_series(1801, 1900) i;
SELECT * FROM check_search('hnsw_build', '<->', floor => 0.99);
SELECT * FROM hnsw_check('hnsw_build_m100_idx', true);
DROP INDEX hnsw_build_m100_idx;

-- What a build says of its progress
SELECT n, pg_indexam_progress_phasename(oid, n) FROM pg_am, generate_series(1, 6) n WHERE amname = 'hnsw' ORDER BY n;

-- Again: in place, concurrently, with the table
CREATE INDEX hnsw_build_idx ON hnsw_build USING hnsw (v vector_l2_ops);
REINDEX INDEX hnsw_build_idx;
SELECT * FROM hnsw_check('hnsw_build_idx', true);
REINDEX INDEX CONCURRENTLY hnsw_build_idx;
SELECT * FROM hnsw_check('hnsw_build_idx', true);
REINDEX TABLE hnsw_build;
VACUUM FULL hnsw_build;
SELECT * FROM check_search('hnsw_build', '<->');
SELECT * FROM hnsw_check('hnsw_build_idx', true);
CREATE INDEX CONCURRENTLY hnsw_build_concurrent_idx ON hnsw_build USING hnsw (v vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'hnsw_build_concurrent_idx'::regclass;
DROP INDEX hnsw_build_idx;
SELECT * FROM check_search('hnsw_build', '<->');
SELECT * FROM hnsw_check('hnsw_build_concurrent_idx', true);
DROP INDEX CONCURRENTLY hnsw_build_concurrent_idx;

-- A new type of the column builds anew
CREATE TABLE hnsw_build_alter (id int, v real[]);
INSERT INTO hnsw_build_alter SELECT i, test_vector(i, 5)::real[] FROM generate_series(1, 200) i;
ALTER TABLE hnsw_build_alter ALTER v TYPE vector(5);
CREATE INDEX hnsw_build_alter_idx ON hnsw_build_alter USING hnsw (v vector_cosine_ops);
ALTER TABLE hnsw_build_alter ALTER v TYPE vector(3) USING (v::real[])[1:3]::vector(3);
SELECT * FROM check_search('hnsw_build_alter', '<=>');
SELECT * FROM hnsw_check('hnsw_build_alter_idx', true);
INSERT INTO hnsw_build_alter VALUES (0, '[1,2,3]');
SELECT id FROM nearest('hnsw_build_alter', '<=>', '[1,2,3]', 1, true, 'true');
-- Without dimensions there is no index: the server would keep the file, and REINDEX fail
ALTER TABLE hnsw_build_alter ALTER v TYPE vector;
INSERT INTO hnsw_build_alter VALUES (-1, '[1,2,3,4]');
INSERT INTO hnsw_build_alter VALUES (-1, '[1,2,4]');
SELECT * FROM check_search('hnsw_build_alter', '<=>');
REINDEX INDEX hnsw_build_alter_idx;
-- Other dimensions: the rows are cast, and the index is built anew
ALTER TABLE hnsw_build_alter ALTER v TYPE vector(4);
ALTER TABLE hnsw_build_alter ALTER v TYPE vector(4) USING (v || '[1]')::vector(4);
SELECT * FROM check_search('hnsw_build_alter', '<=>');
ALTER TABLE hnsw_build_alter ALTER v TYPE vector(3) USING (v::real[])[1:3]::vector(3);
-- An expression keeps its dimensions
CREATE TABLE hnsw_build_expression (id int, v vector(3));
INSERT INTO hnsw_build_expression SELECT i, test_vector(i, 3) FROM generate_series(1, 50) i;
CREATE INDEX hnsw_build_expression_idx ON hnsw_build_expression USING hnsw (((v + v)::vector(3)) vector_l2_ops);
ALTER TABLE hnsw_build_expression ALTER v TYPE vector;
INSERT INTO hnsw_build_expression VALUES (51, '[1,2]');
REINDEX INDEX hnsw_build_expression_idx;
SELECT * FROM hnsw_check('hnsw_build_expression_idx', true);
CREATE INDEX hnsw_build_cast_idx ON hnsw_build_expression USING hnsw ((v::vector(3)) vector_l2_ops);
ALTER TABLE hnsw_build_expression ALTER v TYPE vector(3);
-- The cast of a column that has these dimensions is the column
ALTER TABLE hnsw_build_expression ALTER v TYPE vector;
SELECT * FROM hnsw_check('hnsw_build_cast_idx', true);
DROP TABLE hnsw_build_expression;
-- Another type needs another index
ALTER TABLE hnsw_build_alter ALTER v TYPE real[];
SELECT * FROM hnsw_check('hnsw_build_alter_idx', true);
DROP TABLE hnsw_build_alter;

DROP TABLE hnsw_build;
