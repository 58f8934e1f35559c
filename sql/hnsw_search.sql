-- What a scan returns: order, limits, bounds, and the ways executors scan.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_search (id int PRIMARY KEY, category int, v vector(4));
INSERT INTO hnsw_search SELECT i, i % 10, test_vector(i, 4) FROM generate_series(1, 2000) i;
CREATE INDEX hnsw_search_idx ON hnsw_search USING hnsw (v vector_l2_ops);
ANALYZE hnsw_search;

SELECT * FROM check_search('hnsw_search', '<->', 1);
SELECT * FROM check_search('hnsw_search', '<->', 10);
SELECT * FROM check_search('hnsw_search', '<->', 40);
SELECT * FROM check_search('hnsw_search', '<->', 10, 'category = 3');
SET hnsw.ef_search = 1;
SELECT * FROM check_search('hnsw_search', '<->', 1, floor => 0.5);
SET hnsw.ef_search = 2000;
SELECT * FROM check_search('hnsw_search', '<->', 100, queries => 5, floor => 0.99);
SET hnsw.ef_search = 100000;
SELECT * FROM check_search('hnsw_search', '<->', 2000, queries => 2, floor => 0.99);
RESET hnsw.ef_search;

-- A vector of the table finds itself, and the distance is the exact one
SET enable_seqscan = off;
SELECT count(*) AS queries, count(*) FILTER (WHERE found = id) AS itself
FROM (SELECT t.id, (SELECT s.id FROM hnsw_search s ORDER BY s.v <-> t.v LIMIT 1) AS found
      FROM hnsw_search t WHERE t.id <= 200) _;
SELECT id, v <-> test_vector(7, 4) AS distance FROM hnsw_search ORDER BY v <-> test_vector(7, 4) LIMIT 1;

-- Limits
SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 0;
SELECT count(*) FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 1) _;
SELECT count(DISTINCT id) FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 40) _;
SELECT (SELECT array_agg(id) FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 5 OFFSET 5) _) =
       (SELECT (array_agg(id))[6:10] FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 10) _) AS same;

-- Nothing to be ordered by: every row, in any order
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_search ORDER BY v <-> NULL LIMIT 3000) _;
SELECT count(*) FROM (SELECT id FROM hnsw_search ORDER BY v <-> NULL LIMIT 10) _;
PREPARE hnsw_search_null (vector) AS SELECT count(*) FROM (SELECT id FROM hnsw_search ORDER BY v <-> $1 LIMIT 3000) _;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE hnsw_search_null (NULL);
EXECUTE hnsw_search_null (NULL);
RESET plan_cache_mode;

-- The query must have the dimensions of the column
SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0]' LIMIT 1;
SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0,0]' LIMIT 1;
\set VERBOSITY sqlstate
SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0]' LIMIT 1;
\set VERBOSITY default
-- Distances that overflow are distances too
SELECT count(*) FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[3e38,-3e38,3e38,3e38]' LIMIT 5) _;
RESET enable_seqscan;

-- Prepared, with one plan for every query
PREPARE hnsw_search_near (vector, int) AS SELECT id FROM hnsw_search ORDER BY v <-> $1 LIMIT $2;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) EXECUTE hnsw_search_near ('[0,0,0,0]', 3);
EXECUTE hnsw_search_near (test_vector(11, 4), 1);
EXECUTE hnsw_search_near (test_vector(12, 4), 1);
EXECUTE hnsw_search_near ('[1,2,3]', 1);
EXECUTE hnsw_search_near (test_vector(13, 4), 1);
RESET plan_cache_mode;
DEALLOCATE ALL;

-- In a function, whose plan is kept
CREATE FUNCTION hnsw_search_nearest(q vector) RETURNS int LANGUAGE plpgsql AS $$
DECLARE found int; BEGIN SELECT id INTO found FROM hnsw_search ORDER BY v <-> q LIMIT 1; RETURN found; END $$;
SELECT count(*) FROM generate_series(1, 50) i WHERE hnsw_search_nearest(test_vector(i, 4)) = i;
DROP FUNCTION hnsw_search_nearest;

-- Scanned again and again, with another query each time
EXPLAIN (COSTS OFF)
SELECT q.id, n.id FROM hnsw_search q, LATERAL (SELECT id FROM hnsw_search s ORDER BY s.v <-> q.v LIMIT 3) n WHERE q.id <= 100;
SELECT count(*), count(DISTINCT (q, n)), count(*) FILTER (WHERE q = n) AS itself
FROM (SELECT q.id AS q, n.id AS n
      FROM hnsw_search q, LATERAL (SELECT id FROM hnsw_search s ORDER BY s.v <-> q.v LIMIT 3) n WHERE q.id <= 100) _;
-- ... some of them NULL
SELECT i, (SELECT count(*) FROM (SELECT id FROM hnsw_search s ORDER BY s.v <-> q LIMIT 3) _)
FROM (VALUES (1, test_vector(1, 4)), (2, NULL), (3, test_vector(3, 4))) _ (i, q);
-- The inner side of a nested loop and under a materialized join
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT count(*) BETWEEN 40 AND 80 AS some FROM (VALUES (1), (2), (3)) c (category)
JOIN (SELECT * FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 200) n USING (category);
RESET enable_hashjoin;
RESET enable_mergejoin;

-- A cursor goes forward as far as it likes
BEGIN;
DECLARE near CURSOR FOR SELECT id, v <-> '[0,0,0,0]' AS distance FROM hnsw_search ORDER BY v <-> '[0,0,0,0]';
MOVE 3 IN near;
MOVE 200 IN near;
MOVE FORWARD 0 IN near;
CLOSE near;
-- ... a scrollable one back too, over what it has kept
DECLARE near SCROLL CURSOR FOR SELECT v <-> test_vector(5, 4) AS distance FROM hnsw_search ORDER BY v <-> test_vector(5, 4) LIMIT 20;
MOVE ALL IN near;
MOVE BACKWARD ALL IN near;
FETCH NEXT FROM near;
FETCH PRIOR FROM near;
COMMIT;
BEGIN;
DECLARE near CURSOR WITH HOLD FOR SELECT id FROM hnsw_search ORDER BY v <-> test_vector(9, 4) LIMIT 10;
COMMIT;
FETCH FIRST FROM near;
MOVE ALL IN near;
CLOSE near;

-- Two scans of the index at the same time, taken in turns
SELECT count(*) > 30 AS nearly_the_same FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 50) a
JOIN (SELECT id FROM hnsw_search ORDER BY v <-> '[0.01,0,0,0]' LIMIT 50) b USING (id);
SELECT count(*), count(DISTINCT id) FROM
  ((SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 10)
   UNION ALL (SELECT id FROM hnsw_search ORDER BY v <-> '[9,9,9,9]' LIMIT 10)) _;

-- In a parallel plan
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_seqscan = on;
SELECT count(*) FILTER (WHERE s LIKE 'Parallel Seq%') > 0 AS parallel, count(*) FILTER (WHERE s LIKE 'Index Scan using hnsw_search_idx%') > 0 AS by_index
FROM scans_of($$SELECT count(*) FROM hnsw_search t
  JOIN (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 20) n ON n.id = t.id WHERE t.category >= 0$$) s;
SELECT count(*) FROM hnsw_search t
JOIN (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 20) n ON n.id = t.id WHERE t.category >= 0;
SELECT count(*) AS queries, count(*) FILTER (WHERE (SELECT s.id FROM hnsw_search s ORDER BY s.v <-> t.v LIMIT 1) = t.id) AS itself
FROM hnsw_search t WHERE t.id <= 100;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- What EXPLAIN and the statistics say
CREATE FUNCTION hnsw_search_explain() RETURNS TABLE (node text, rows int, reads_pages bool) LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT id FROM hnsw_search ORDER BY v <-> ''[0,0,0,0]'' LIMIT 10' INTO plan;
  plan := plan->0->'Plan'->'Plans'->0;
  RETURN QUERY SELECT plan->>'Index Name', (plan->>'Actual Rows')::numeric::int,
    (plan->>'Shared Hit Blocks')::int + (plan->>'Shared Read Blocks')::int > 10;
END $$;
SELECT * FROM hnsw_search_explain();
DROP FUNCTION hnsw_search_explain;
SELECT pg_stat_force_next_flush();
SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'hnsw_search_idx' \gset
SELECT count(*) FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[0,0,0,0]' LIMIT 10) _;
SELECT count(*) FROM (SELECT id FROM hnsw_search ORDER BY v <-> '[1,0,0,0]' LIMIT 5) _;
SELECT pg_stat_force_next_flush();
SELECT idx_scan - :idx_scan AS scans, idx_tup_read - :idx_tup_read AS rows FROM pg_stat_user_indexes WHERE indexrelname = 'hnsw_search_idx';

SELECT * FROM hnsw_check('hnsw_search_idx', true);
DROP TABLE hnsw_search;

-- Vectors out of line, as queries and as rows
CREATE TABLE hnsw_search_wide (id int, v vector(1000));
INSERT INTO hnsw_search_wide SELECT i, test_vector(i, 1000) FROM generate_series(1, 200) i;
CREATE INDEX hnsw_search_wide_idx ON hnsw_search_wide USING hnsw (v vector_cosine_ops);
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT * FROM hnsw_search_wide LIMIT 100) q
WHERE (SELECT id FROM hnsw_search_wide s ORDER BY s.v <=> q.v LIMIT 1) = q.id;
RESET enable_seqscan;
SELECT * FROM check_search('hnsw_search_wide', '<=>', queries => 5);
SELECT * FROM hnsw_check('hnsw_search_wide_idx', true);
DROP TABLE hnsw_search_wide;

-- Cosine: nothing is near a zero vector, so every row comes, in any order
CREATE TABLE hnsw_search_cosine (id int, v vector(3));
INSERT INTO hnsw_search_cosine SELECT i, test_vector(i, 3) FROM generate_series(1, 300) i;
CREATE INDEX hnsw_search_cosine_idx ON hnsw_search_cosine USING hnsw (v vector_cosine_ops);
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_search_cosine ORDER BY v <=> '[0,0,0]' LIMIT 1000) _;
SELECT count(*), min(v <=> '[0,0,0]') FROM (SELECT v FROM hnsw_search_cosine ORDER BY v <=> '[0,0,0]' LIMIT 10) _;
-- Length does not matter
SELECT (SELECT array_agg(id) FROM (SELECT id FROM hnsw_search_cosine ORDER BY v <=> '[1,2,3]' LIMIT 10) _) =
       (SELECT array_agg(id) FROM (SELECT id FROM hnsw_search_cosine ORDER BY v <=> '[100,200,300]' LIMIT 10) _) AS same;
RESET enable_seqscan;
SELECT * FROM hnsw_check('hnsw_search_cosine_idx', true);
DROP TABLE hnsw_search_cosine;
