-- What the planner takes the index for.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_plan (id int PRIMARY KEY, category int, v vector(16));
INSERT INTO hnsw_plan SELECT i, i % 20, test_vector(i, 16) FROM generate_series(1, 1000) i;
CREATE INDEX hnsw_plan_idx ON hnsw_plan USING hnsw (v vector_l2_ops);
ANALYZE hnsw_plan;
SELECT test_vector(0, 16) AS q \gset

-- 1000 rows and the nearest of them: the index
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' LIMIT 1$$);
SELECT scans_of($$SELECT *, v <-> '$$ || :'q' || $$' AS d FROM hnsw_plan ORDER BY d LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> test_vector(5, 16) LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' FETCH FIRST 10 ROWS ONLY$$);
-- With a condition that half of them pass
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE category < 10 ORDER BY v <-> '$$ || :'q' || $$' LIMIT 10$$);

-- A condition that few pass, and an index for it: that one
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE id = 17 ORDER BY v <-> '$$ || :'q' || $$' LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE id BETWEEN 17 AND 21 ORDER BY v <-> '$$ || :'q' || $$' LIMIT 10$$);
-- All rows, or all but all: sorting
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$'$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' LIMIT 1000$$);
-- No order by the index's distance: never
SELECT scans_of($$SELECT count(*) FROM hnsw_plan$$);
SELECT scans_of($$SELECT id FROM hnsw_plan LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE v <-> '$$ || :'q' || $$' < 0.5$$);
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE v = '$$ || :'q' || $$'$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' DESC LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <=> '$$ || :'q' || $$' LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY (v <-> '$$ || :'q' || $$') + 1 LIMIT 10$$);
SET enable_seqscan = off;
SELECT scans_of($$SELECT count(*) FROM hnsw_plan WHERE category = 1$$);
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE v <-> '$$ || :'q' || $$' < 0.5$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <=> '$$ || :'q' || $$' LIMIT 10$$);
-- Not from the heap's order, nor backward
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE id < 100 ORDER BY id DESC LIMIT 10$$);
RESET enable_seqscan;
-- Two keys: the second one orders what is equally far
SELECT count(DISTINCT id) FROM (SELECT id FROM hnsw_plan ORDER BY v <-> test_vector(7, 16), id LIMIT 10) _;

-- A distance in the WHERE clause is checked on the rows that come
SELECT count(*) FROM (SELECT id FROM hnsw_plan WHERE v <-> test_vector(7, 16) < 0.0001 ORDER BY v <-> test_vector(7, 16) LIMIT 10) _;

-- Joins and aggregates above it
EXPLAIN (COSTS OFF)
SELECT p.category, count(*) FROM (SELECT category FROM hnsw_plan ORDER BY v <-> :'q' LIMIT 10) p GROUP BY 1;

-- Deeper searches cost more, and at 1000 rows a very deep one is not worth it
CREATE FUNCTION cost_of(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan; RETURN plan->0->'Plan'->>'Total Cost'; END $$;
CREATE FUNCTION cost_at(ef int, n int) RETURNS float8 LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN PERFORM set_config('hnsw.ef_search', ef::text, true);
  RETURN cost_of(format('SELECT id FROM hnsw_plan ORDER BY v <-> test_vector(0, 16) LIMIT %s', n)); END $$;
SELECT cost_at(40, 10) < cost_at(200, 10) AS by_ef, cost_at(40, 1) <= cost_at(40, 40) AS by_limit,
       cost_at(40, 40) < cost_at(40, 500) AS by_rounds;
RESET hnsw.ef_search;
DROP FUNCTION cost_at;

-- More rows, one plan
INSERT INTO hnsw_plan SELECT i, i % 20, test_vector(i, 16) FROM generate_series(1001, 3000) i;
CREATE INDEX hnsw_plan_category_idx ON hnsw_plan (category, id);
ANALYZE hnsw_plan;
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' LIMIT 10$$);
SELECT scans_of($$SELECT id FROM hnsw_plan ORDER BY v <-> '$$ || :'q' || $$' LIMIT 100$$);
SELECT scans_of($$SELECT id FROM hnsw_plan WHERE category = 3 AND id < 100 ORDER BY v <-> '$$ || :'q' || $$' LIMIT 10$$);
-- A prepared statement does not know its LIMIT
PREPARE near (vector, int) AS SELECT id FROM hnsw_plan ORDER BY v <-> $1 LIMIT $2;
SET plan_cache_mode = force_generic_plan;
SELECT scans_of($$EXECUTE near ('$$ || :'q' || $$', 10)$$);
RESET plan_cache_mode;
DEALLOCATE near;
DROP FUNCTION cost_of;

-- Empty and tiny tables, and one never analyzed, get some plan
CREATE TABLE hnsw_plan_tiny (id int, v vector(2));
CREATE INDEX hnsw_plan_tiny_idx ON hnsw_plan_tiny USING hnsw (v vector_l2_ops);
SELECT id FROM hnsw_plan_tiny ORDER BY v <-> '[1,1]' LIMIT 1;
INSERT INTO hnsw_plan_tiny VALUES (1, '[1,2]');
SELECT id FROM hnsw_plan_tiny ORDER BY v <-> '[1,1]' LIMIT 1;
ANALYZE hnsw_plan_tiny;
SELECT id FROM hnsw_plan_tiny ORDER BY v <-> '[1,1]' LIMIT 1;
SELECT * FROM hnsw_check('hnsw_plan_tiny_idx', true);
DROP TABLE hnsw_plan_tiny;
SELECT * FROM hnsw_check('hnsw_plan_idx', true);
DROP TABLE hnsw_plan;
