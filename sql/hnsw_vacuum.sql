-- VACUUM and cleanup: dead rows leave the index, and their places are used again.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_vacuum (id int, v vector(6)) WITH (autovacuum_enabled = off);
INSERT INTO hnsw_vacuum SELECT i, test_vector(i, 6) FROM generate_series(1, 1500) i;
CREATE INDEX hnsw_vacuum_idx ON hnsw_vacuum USING hnsw (v vector_l2_ops);
CREATE FUNCTION hnsw_vacuum_rows() RETURNS real LANGUAGE sql AS
$$ SELECT reltuples FROM pg_class WHERE relname = 'hnsw_vacuum_idx' $$;

-- A fifth, from everywhere
DELETE FROM hnsw_vacuum WHERE id % 5 = 0;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT hnsw_vacuum_rows();
SELECT * FROM check_search('hnsw_vacuum', '<->');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- Nothing to do
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT hnsw_vacuum_rows();
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- A whole region
DELETE FROM hnsw_vacuum WHERE v <-> '[0.2,0.2,0.2,0,0,0]' < 0.6;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM check_search('hnsw_vacuum', '<->');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- All but a few; they are found
DELETE FROM hnsw_vacuum WHERE id % 100 <> 1;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM check_search('hnsw_vacuum', '<->', 100, floor => 1);
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- All, and as many again: the file does not grow; nor does it the next time
DELETE FROM hnsw_vacuum;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT hnsw_vacuum_rows();
SELECT * FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT pg_relation_size('hnsw_vacuum_idx') AS size \gset
INSERT INTO hnsw_vacuum SELECT i, test_vector(i, 6, 1) FROM generate_series(1, 1500) i;
SELECT pg_relation_size('hnsw_vacuum_idx') <= 1.05 * :size AS reused;
SELECT * FROM check_search('hnsw_vacuum', '<->');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
DELETE FROM hnsw_vacuum;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
INSERT INTO hnsw_vacuum SELECT i, test_vector(i, 6, 2) FROM generate_series(1, 1500) i;
SELECT pg_relation_size('hnsw_vacuum_idx') <= 1.05 * :size AS reused;
SELECT * FROM check_search('hnsw_vacuum', '<->');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- Turned over many times, half at a time
DO $$ BEGIN
  FOR round IN 1..2 LOOP
    UPDATE hnsw_vacuum SET v = test_vector(id, 6, 10 + round) WHERE id % 2 = round % 2;
  END LOOP;
END $$;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT pg_relation_size('hnsw_vacuum_idx') AS size \gset
UPDATE hnsw_vacuum SET v = test_vector(id, 6, 20) WHERE id % 2 = 0;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
UPDATE hnsw_vacuum SET v = test_vector(id, 6, 21) WHERE id % 2 = 1;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
UPDATE hnsw_vacuum SET v = test_vector(id, 6, 22) WHERE id % 2 = 0;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT pg_relation_size('hnsw_vacuum_idx') <= 1.05 * :size AS reused;
SELECT hnsw_vacuum_rows();
SELECT * FROM check_search('hnsw_vacuum', '<->');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- One row after another, the entry point among them
DELETE FROM hnsw_vacuum WHERE id > 6;
VACUUM hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
DELETE FROM hnsw_vacuum WHERE id = 1;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
DELETE FROM hnsw_vacuum WHERE id = 2;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
DELETE FROM hnsw_vacuum WHERE id = 3;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT count(*) FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
DELETE FROM hnsw_vacuum WHERE id = 4;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
DELETE FROM hnsw_vacuum WHERE id = 5;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT id FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
DELETE FROM hnsw_vacuum;
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT count(*) FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
INSERT INTO hnsw_vacuum VALUES (1, '[1,1,1,1,1,1]');
SELECT id FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- Rows that were never committed
BEGIN;
INSERT INTO hnsw_vacuum SELECT i, test_vector(i, 6) FROM generate_series(2, 300) i;
ROLLBACK;
SELECT id FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
VACUUM (INDEX_CLEANUP on) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT hnsw_vacuum_rows();
SELECT id FROM nearest('hnsw_vacuum', '<->', '[0,0,0,0,0,0]', 10, true, 'true');
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);

-- VACUUM FREEZE and ANALYZE beside it
INSERT INTO hnsw_vacuum SELECT i, test_vector(i, 6) FROM generate_series(2, 300) i;
VACUUM (FREEZE, ANALYZE) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
SELECT * FROM check_search('hnsw_vacuum', '<->');
ANALYZE hnsw_vacuum;
-- With less memory for dead rows than they need, and with parallel workers asked for
SET maintenance_work_mem = '1MB';
DELETE FROM hnsw_vacuum WHERE id > 10;
VACUUM (PARALLEL 2, VERBOSE off) hnsw_vacuum;
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_idx') >= 0 AS cleaned_up;
RESET maintenance_work_mem;
SELECT * FROM check_search('hnsw_vacuum', '<->', floor => 1);
SELECT * FROM hnsw_check('hnsw_vacuum_idx', true);
DROP TABLE hnsw_vacuum;

-- Elements over several pages
CREATE TABLE hnsw_vacuum_wide (id int, v vector(3000));
CREATE INDEX hnsw_vacuum_wide_idx ON hnsw_vacuum_wide USING hnsw (v vector_l2_ops) WITH (quantization = none);
INSERT INTO hnsw_vacuum_wide SELECT i, test_vector(i, 3000) FROM generate_series(1, 30) i;
-- (A worker may have linked some of them.)
SELECT hnsw_sync('hnsw_vacuum_wide_idx') BETWEEN 0 AND 30 AS linked;
DELETE FROM hnsw_vacuum_wide WHERE id % 3 > 0;
VACUUM hnsw_vacuum_wide;
SELECT * FROM hnsw_check('hnsw_vacuum_wide_idx', true);
SELECT hnsw_cleanup('hnsw_vacuum_wide_idx') >= 0 AS cleaned_up;
SELECT * FROM check_search('hnsw_vacuum_wide', '<->', queries => 5);
SELECT pg_relation_size('hnsw_vacuum_wide_idx') AS size \gset
INSERT INTO hnsw_vacuum_wide SELECT i, test_vector(i, 3000) FROM generate_series(31, 50) i;
SELECT pg_relation_size('hnsw_vacuum_wide_idx') <= 1.05 * :size AS reused;
SELECT * FROM check_search('hnsw_vacuum_wide', '<->', queries => 5);
SELECT * FROM hnsw_check('hnsw_vacuum_wide_idx', true);
DROP TABLE hnsw_vacuum_wide;
DROP FUNCTION hnsw_vacuum_rows;
