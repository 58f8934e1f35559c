-- A distance that only the planner asks for is left out where an index has put the
-- rows in order already, and nowhere else.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_output (id int PRIMARY KEY, tag int, place point, v vector(3));
INSERT INTO hnsw_output SELECT i, i % 20, point(i, i), test_vector(i, 3) FROM generate_series(1, 500) i;
CREATE INDEX hnsw_output_idx ON hnsw_output USING hnsw (v vector_l2_ops);
CREATE INDEX hnsw_output_place_idx ON hnsw_output USING gist (place);
CREATE TABLE hnsw_output_name (id int PRIMARY KEY, name text);
INSERT INTO hnsw_output_name SELECT i, 'n' || i FROM generate_series(1, 500) i;
CREATE TABLE hnsw_output_query (id int PRIMARY KEY, q vector(3));
INSERT INTO hnsw_output_query SELECT i, test_vector(-i, 3) FROM generate_series(1, 5) i;
ANALYZE hnsw_output, hnsw_output_name, hnsw_output_query;

-- The first statements of a session, which load the module while they are planned
\c -
SET enable_seqscan = off;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10;
\c -
SET enable_seqscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE near (vector) AS SELECT id FROM hnsw_output ORDER BY v <-> $1 LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE near ('[0,0,0]');
DEALLOCATE near;
RESET plan_cache_mode;

-- Every row, so that searches are exact
SET hnsw.ef_search = 500;

-- The nodes of a plan, and whether they return distances, or NULL in their place.
CREATE FUNCTION outputs_of(plan json, depth int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  child json;
  kinds text;
BEGIN
  SELECT string_agg(CASE WHEN o ~ '<[-=#]>|<->' THEN 'distance' ELSE 'NULL' END, ', ' ORDER BY n) INTO kinds
  FROM json_array_elements_text(plan->'Output') WITH ORDINALITY _ (o, n)
  WHERE o ~ '<[-=#]>' OR o = 'NULL::double precision';
  RETURN NEXT repeat('  ', depth) || (plan->>'Node Type') || coalesce(': ' || kinds, '');
  FOR child IN SELECT * FROM json_array_elements(plan->'Plans') LOOP
    -- Where the plan of an expression's subquery is shown differs between versions
    IF child->>'Subplan Name' NOT LIKE 'InitPlan%' IS NOT FALSE THEN
      RETURN QUERY SELECT outputs_of(child, depth + 1);
    END IF;
  END LOOP;
END $$;
CREATE FUNCTION outputs_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || query INTO plan;
  RETURN QUERY SELECT outputs_of(plan->0->'Plan', 0);
END $$;

-- What a query returns, in its order.
CREATE FUNCTION rows_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r record;
  result text := '';
BEGIN
  FOR r IN EXECUTE query LOOP result := result || r::text; END LOOP;
  RETURN result;
END $$;
CREATE FUNCTION rows_by_sort(query text) RETURNS text LANGUAGE plpgsql
  SET enable_indexscan = off SET enable_bitmapscan = off SET enable_seqscan = on SET enable_sort = on AS $$
BEGIN RETURN rows_of(query); END $$;
-- Both: the plan, and whether its result is that of sorting.
CREATE FUNCTION look(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT outputs_of(query);
  RETURN NEXT CASE WHEN rows_of(query) = rows_by_sort(query) AND rows_of(query) <> '' THEN 'same rows' ELSE 'OTHER ROWS' END;
END $$;

SET enable_sort = off;
SET enable_bitmapscan = off;

-- ---- Left out ----
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT id, v FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10 OFFSET 3$$);
SELECT look($$SELECT id FROM hnsw_output ORDER BY '[0,0,0]' <-> v LIMIT 10$$);
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]', v <-> '[0,0,0]' FETCH FIRST ROW ONLY$$);
SELECT look($$SELECT id, (v <-> '[0,0,0]') * 2 FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT id FROM hnsw_output WHERE tag < 10 AND v <-> '[0,0,0]' < 1 ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT id FROM hnsw_output WHERE current_setting('hnsw.ef_search') = '500' ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
-- Without a LIMIT
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]'$$);
-- The vector comes from a subquery, or is NULL
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> (SELECT q FROM hnsw_output_query WHERE id = 3) LIMIT 10$$);
SELECT outputs_of($$SELECT id FROM hnsw_output ORDER BY v <-> (SELECT NULL::vector FROM hnsw_output_query LIMIT 1) LIMIT 10$$);
-- For each row of another table
SELECT look($$SELECT o.id, near.id FROM hnsw_output_query o, LATERAL
  (SELECT id FROM hnsw_output ORDER BY v <-> o.q LIMIT 3) near$$);
SELECT look($$SELECT o.id, near.id FROM hnsw_output_query o, LATERAL (SELECT id FROM hnsw_output
  ORDER BY v <-> (SELECT i.q FROM hnsw_output_query i WHERE i.id = o.id) LIMIT 3) near$$);
-- Rows that are locked
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10 FOR UPDATE$$);
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' FOR SHARE SKIP LOCKED$$);
-- Joins that return rows in the order of the scan
SELECT look($$SELECT id, name FROM hnsw_output JOIN hnsw_output_name USING (id) ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT id, name FROM hnsw_output o LEFT JOIN hnsw_output_name n USING (id)
  LEFT JOIN hnsw_output_query USING (id) WHERE tag > 2 ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT o.id, n.name FROM hnsw_output o JOIN hnsw_output_name n USING (id) ORDER BY v <-> '[0,0,0]' LIMIT 10 FOR UPDATE OF o$$);
-- Below other queries
CREATE VIEW hnsw_output_view AS SELECT id, v FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10;
SELECT look($$SELECT id FROM hnsw_output_view$$);
SELECT look($$SELECT id FROM (SELECT id, v FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10) o WHERE id % 3 > 0$$);
SELECT look($$SELECT id FROM (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]') o LIMIT 10$$);
SELECT look($$SELECT count(*), sum(id) FROM (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10) o$$);
SELECT look($$WITH near AS MATERIALIZED (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10) SELECT n.id FROM near n$$);
SELECT look($$(SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 5) UNION ALL (SELECT id FROM hnsw_output ORDER BY v <-> '[1,1,1]' LIMIT 5)$$);
SELECT look($$SELECT name FROM hnsw_output_name WHERE id NOT IN (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 490)$$);
SELECT look($$SELECT q.id, (SELECT id FROM hnsw_output ORDER BY v <-> q LIMIT 1) FROM hnsw_output_query q$$);
SELECT look($$SELECT q.id, ARRAY(SELECT id FROM hnsw_output ORDER BY v <-> q LIMIT 5) FROM hnsw_output_query q$$);
SELECT look($$SELECT q.id, (3, 7) = ANY (SELECT tag, id FROM hnsw_output ORDER BY v <-> q LIMIT 5) FROM hnsw_output_query q$$);
SELECT look($$SELECT DISTINCT ON (tag) tag, id FROM (SELECT id, tag FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 30) o ORDER BY tag, id$$);

-- as whole rows, which have no column for it
SELECT look($$SELECT o FROM (SELECT id, tag FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10) o$$);
SELECT look($$SELECT row_to_json(o) FROM (SELECT id, tag FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10) o FOR UPDATE$$);

-- ---- Kept: it is wanted ----
-- by the user
SELECT look($$SELECT id, v <-> '[0,0,0]' AS distance FROM hnsw_output ORDER BY distance LIMIT 10$$);
SELECT look($$SELECT id, v <-> '[0,0,0]' FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
-- by Limit
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' FETCH FIRST 10 ROWS WITH TIES$$);
SELECT look($$SELECT id FROM (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' FETCH FIRST 10 ROWS WITH TIES) o$$);
-- by a sort: of the second key, of all, of what an outer query returns
-- (some versions go on from the index's order)
SELECT l FROM look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]', id DESC LIMIT 10$$) l WHERE l !~ 'Scan|Sort' OR l ~ 'NULL';
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' DESC LIMIT 10$$);
SELECT look($$SELECT id FROM hnsw_output_view ORDER BY v <-> '[0,0,0]' LIMIT 5$$);
SELECT look($$SELECT id FROM hnsw_output_view ORDER BY v <-> '[1,0,0]' LIMIT 5$$);
-- by DISTINCT, GROUP BY, window functions
SELECT look($$SELECT DISTINCT ON (v <-> '[0,0,0]') id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT count(*) FROM hnsw_output GROUP BY v <-> '[0,0,0]' ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT id, rank() OVER (ORDER BY v <-> '[0,0,0]') FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
-- by the merging of several scans
CREATE TABLE hnsw_output_parts (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE hnsw_output_part1 PARTITION OF hnsw_output_parts FOR VALUES FROM (1) TO (251);
CREATE TABLE hnsw_output_part2 PARTITION OF hnsw_output_parts FOR VALUES FROM (251) TO (501);
INSERT INTO hnsw_output_parts SELECT id, v FROM hnsw_output;
CREATE INDEX ON hnsw_output_parts USING hnsw (v vector_l2_ops);
ANALYZE hnsw_output_parts;
SELECT look($$SELECT id FROM hnsw_output_parts ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
SELECT look($$SELECT id FROM (SELECT id, v FROM hnsw_output_part1 UNION ALL SELECT id, v FROM hnsw_output_part2) o ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
-- but not of a single one
SELECT look($$SELECT id FROM hnsw_output_part1 ORDER BY v <-> '[0,0,0]' LIMIT 10$$);
DROP TABLE hnsw_output_parts;
-- The index is another one
SELECT look($$SELECT id FROM hnsw_output ORDER BY place <-> '(3.1,3.2)' LIMIT 3$$);
-- A function of the target that returns rows
SELECT look($$SELECT id, generate_series(1, 2) FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 5$$);
-- Each row would be measured against a vector of its own: no order for an index
CREATE FUNCTION hnsw_output_random() RETURNS vector VOLATILE LANGUAGE sql AS $$ SELECT ARRAY[random(), 0, 0]::vector $$;
SELECT outputs_of($$SELECT id FROM hnsw_output ORDER BY v <-> hnsw_output_random() LIMIT 5$$);

-- ---- Prepared statements ----
PREPARE near (vector, int) AS SELECT id FROM hnsw_output ORDER BY v <-> $1 LIMIT $2;
SET plan_cache_mode = force_custom_plan;
SELECT outputs_of($$EXECUTE near ('[1,1,1]', 7)$$);
SELECT rows_of($$EXECUTE near ('[1,1,1]', 7)$$) = rows_by_sort($$SELECT id FROM hnsw_output ORDER BY v <-> '[1,1,1]' LIMIT 7$$) AS same;
SET plan_cache_mode = force_generic_plan;
SELECT outputs_of($$EXECUTE near ('[1,1,1]', 7)$$);
SELECT rows_of($$EXECUTE near ('[1,1,1]', 7)$$) = rows_by_sort($$SELECT id FROM hnsw_output ORDER BY v <-> '[1,1,1]' LIMIT 7$$) AS same;
SELECT count(*) AS "NULL vector" FROM regexp_matches(rows_of($$EXECUTE near (NULL, 7)$$), '\(', 'g');
RESET plan_cache_mode;
-- What the index refuses is refused
EXECUTE near ('[1,2]', 5);
SELECT id FROM hnsw_output ORDER BY v <-> '[1,2]' LIMIT 5;
DEALLOCATE near;

-- ---- Cursors ----
BEGIN;
CREATE TEMP TABLE by_sort AS SELECT string_to_array(trim(both '()' FROM rows_by_sort($$SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20$$)), ')(')::int[] AS ids;
CREATE FUNCTION fetched(c refcursor, how text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
  r record;
  ids int[];
BEGIN
  FOR r IN EXECUTE format('FETCH %s FROM %I', how, c) LOOP ids := ids || r.id; END LOOP;
  RETURN ids;
END $$;
SELECT outputs_of($$DECLARE c0 SCROLL CURSOR FOR SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]'$$);
DECLARE c1 NO SCROLL CURSOR FOR SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]';
DECLARE c2 SCROLL CURSOR FOR SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20;
DECLARE c3 SCROLL CURSOR WITH HOLD FOR SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20;
DECLARE c4 CURSOR FOR SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20 FOR UPDATE;
SELECT fetched('c1', '5') = ids[1:5] AS forward FROM by_sort;
SELECT fetched('c1', '5') = ids[6:10] AS further FROM by_sort;
SELECT fetched('c2', '10') = ids[1:10] AS forward FROM by_sort;
SELECT fetched('c2', 'BACKWARD 9') = (SELECT array_agg(ids[10 - i] ORDER BY i) FROM generate_series(1, 9) i) AS backward FROM by_sort;
SELECT fetched('c2', 'ABSOLUTE 20') = ids[20:20] AS absolute FROM by_sort;
SELECT fetched('c4', '1') = ids[1:1] AS forward FROM by_sort;
UPDATE hnsw_output SET tag = -1 WHERE CURRENT OF c4;
SELECT id = ids[1] AS updated FROM hnsw_output, by_sort WHERE tag = -1;
UPDATE hnsw_output SET tag = id % 20 WHERE tag = -1;
COMMIT;
SELECT fetched('c3', '20') = ids AS held FROM by_sort;
SELECT fetched('c3', 'RELATIVE -3') = ids[17:17] AS relative FROM by_sort;
CLOSE c3;

-- ---- Where the rows go into something: nothing but the columns that are asked for ----
CREATE TEMP TABLE taken (id int);
SELECT outputs_of($$INSERT INTO taken SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20$$);
INSERT INTO taken SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20;
SELECT array_agg(id) <@ ids AND count(DISTINCT id) = 20 AS inserted FROM taken, by_sort GROUP BY ids;
CREATE TEMP TABLE taken_as AS SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 20;
SELECT * FROM taken_as EXCEPT SELECT * FROM taken;
COPY (SELECT 'one column' FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 2) TO STDOUT;
SELECT outputs_of($$DELETE FROM taken WHERE id IN (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 18)$$) LIMIT 1;
DELETE FROM taken WHERE id IN (SELECT id FROM hnsw_output ORDER BY v <-> '[0,0,0]' LIMIT 18);
SELECT count(*) FROM taken;
CREATE FUNCTION hnsw_output_near(q vector, n int) RETURNS SETOF int STABLE LANGUAGE sql AS
  $$ SELECT id FROM hnsw_output ORDER BY v <-> q LIMIT n $$;
CREATE FUNCTION hnsw_output_nearest(q vector) RETURNS int VOLATILE LANGUAGE sql AS
  $$ SELECT id FROM hnsw_output ORDER BY v <-> q LIMIT 1 $$;
SELECT look($$SELECT * FROM hnsw_output_near('[0,0,0]', 3)$$);
SELECT hnsw_output_nearest('[0,0,0]') = ids[1] AS nearest FROM by_sort;

-- ---- Other distances, and an indexed expression ----
DROP INDEX hnsw_output_idx;
CREATE INDEX hnsw_output_cosine_idx ON hnsw_output USING hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_output_ip_idx ON hnsw_output USING hnsw (v vector_ip_ops);
CREATE INDEX hnsw_output_sum_idx ON hnsw_output USING hnsw (((v + '[1,1,1]')::vector(3)) vector_l2_ops);
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <=> '[1,0,0]' LIMIT 10$$);
SELECT look($$SELECT id FROM hnsw_output ORDER BY v <#> '[1,0,0]' LIMIT 10$$);
SELECT look($$SELECT id FROM hnsw_output ORDER BY (v + '[1,1,1]')::vector(3) <-> '[1,0,0]' LIMIT 10$$);

DROP FUNCTION look, outputs_of(text), outputs_of(json, int), rows_by_sort, rows_of, fetched,
  hnsw_output_random, hnsw_output_near, hnsw_output_nearest;
DROP VIEW hnsw_output_view;
SELECT * FROM hnsw_check('hnsw_output_cosine_idx', true);
DROP TABLE hnsw_output, hnsw_output_name, hnsw_output_query;
