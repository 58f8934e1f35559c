-- Scans that go on when the executor wants more rows than hnsw.ef_search.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_iterative (id int PRIMARY KEY, category int, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO hnsw_iterative SELECT i, i % 100, test_vector(i, 4) FROM generate_series(1, 3000) i;
CREATE INDEX hnsw_iterative_idx ON hnsw_iterative USING hnsw (v vector_l2_ops);
ANALYZE hnsw_iterative;
SET enable_seqscan = off;

-- strict_order, the default: a large LIMIT and filters get their rows
SELECT * FROM check_search('hnsw_iterative', '<->', 200);
SELECT * FROM check_search('hnsw_iterative', '<->', 10, 'category < 20');
SELECT * FROM check_search('hnsw_iterative', '<->', 10, 'category = 5');
SELECT * FROM check_search('hnsw_iterative', '<->', 3, 'id % 500 = 7', floor => 0.9);

-- off: no more than hnsw.ef_search candidates
SET hnsw.iterative_scan = off;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 200) _;
SELECT count(*) < 10 AS fewer FROM (SELECT id FROM hnsw_iterative WHERE category = 5 ORDER BY v <-> '[0,0,0,0]' LIMIT 10) _;
SET hnsw.ef_search = 7;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 200) _;
RESET hnsw.ef_search;

-- relaxed_order: every row is found in the end, each once
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SET hnsw.ef_search = 1;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
RESET hnsw.ef_search;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative WHERE category = 5 ORDER BY v <-> '[0,0,0,0]' LIMIT 100) _;
SELECT id FROM hnsw_iterative WHERE id = 1234 ORDER BY v <-> '[0,0,0,0]' LIMIT 1;
SELECT complete, recall FROM check_search('hnsw_iterative', '<->', 10, 'category = 5', floor => 0.99);
SELECT complete, recall FROM check_search('hnsw_iterative', '<->', 30, 'category = 5', floor => 1);
-- Within the first hnsw.ef_search rows it is in order
SELECT * FROM check_search('hnsw_iterative', '<->', 40);
-- Sorting a materialized result makes a strict order of it
SELECT array_agg(distance) = array_agg(distance ORDER BY distance) AS in_order, count(*) FROM (
  WITH near AS MATERIALIZED (
    SELECT v <-> '[0,0,0,0]' AS distance FROM hnsw_iterative WHERE category < 10 ORDER BY v <-> '[0,0,0,0]' LIMIT 100)
  SELECT distance FROM near ORDER BY distance) _;

-- strict_order leaves out what is found too late, and that is little
SET hnsw.iterative_scan = strict_order;
SELECT count(*) > 2850 AS most, count(*) = count(DISTINCT id) AS once
FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SELECT array_agg(d) = array_agg(d ORDER BY d) AS in_order
FROM (SELECT v <-> '[0,0,0,0]' AS d FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;

-- hnsw.max_scan_tuples ends it; the first hnsw.ef_search come in any case
SET hnsw.iterative_scan = relaxed_order;
SET hnsw.max_scan_tuples = 1;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SET hnsw.max_scan_tuples = 1000;
SELECT count(*) BETWEEN 200 AND 1500 AS some FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SET hnsw.max_scan_tuples = 2147483647;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
RESET hnsw.max_scan_tuples;

-- Nor does it go on when it has taken so much memory
SET work_mem = '64kB';
SET hnsw.ef_search = 40;
SELECT count(*) BETWEEN 40 AND 2500 AS stopped FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SET hnsw.scan_mem_multiplier = 1000;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
RESET work_mem;
RESET hnsw.scan_mem_multiplier;
RESET hnsw.ef_search;
SET hnsw.scan_mem_multiplier = 0.5;
SET hnsw.ef_serach = 100;

-- A filter that nothing passes comes to an end
SELECT count(*) FROM (SELECT id FROM hnsw_iterative WHERE category = -1 ORDER BY v <-> '[0,0,0,0]' LIMIT 10) _;

-- Dead rows on the way do not stop it, before VACUUM and after
DELETE FROM hnsw_iterative WHERE category <> 5;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
VACUUM hnsw_iterative;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SELECT * FROM hnsw_check('hnsw_iterative_idx', true);

-- Rows that are changed while a cursor is open are neither lost nor seen twice
INSERT INTO hnsw_iterative SELECT i, i % 100, test_vector(i, 4) FROM generate_series(3001, 3500) i;
BEGIN;
DECLARE near CURSOR FOR SELECT id, category FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]';
MOVE 10 IN near;
UPDATE hnsw_iterative SET v = v + '[0.1,0,0,0]', category = 5;
INSERT INTO hnsw_iterative SELECT i, 5, test_vector(i, 4) FROM generate_series(3501, 3600) i;
DELETE FROM hnsw_iterative WHERE id % 2 = 0;
MOVE ALL IN near;
COMMIT;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SELECT count(*) FROM hnsw_iterative;
VACUUM hnsw_iterative;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> '[0,0,0,0]' LIMIT 5000) _;
SELECT * FROM hnsw_check('hnsw_iterative_idx', true);
DROP TABLE hnsw_iterative;
