\set ECHO none
-- What the tests of the access method share; they read it by \i. Tables have the
-- columns `id int` and `v vector(n)`. Results are printed as booleans, since which
-- neighbours an approximate search misses depends on random levels and threads.
SET client_min_messages = warning;

-- A vector that looks random and is the same everywhere.
CREATE OR REPLACE FUNCTION test_vector(id int, dim int, seed int DEFAULT 0) RETURNS vector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT array_agg((hashint8extended(id * 100000::bigint + i, seed) & 65535) / 65536::float8 - 0.5)::vector
  FROM generate_series(1, dim) i;
END;

-- The k nearest rows, by an index or by sorting.
CREATE OR REPLACE FUNCTION nearest(tab regclass, op text, q vector, k int, by_index bool, cond text)
RETURNS TABLE (id int, distance float8)
LANGUAGE plpgsql SET enable_seqscan = on SET enable_indexscan = on SET enable_bitmapscan = on AS $$
BEGIN
  PERFORM set_config(CASE WHEN by_index THEN 'enable_seqscan' ELSE 'enable_indexscan' END, 'off', true);
  PERFORM set_config('enable_bitmapscan', 'off', true);
  RETURN QUERY EXECUTE format('SELECT id, v %s $1 FROM %s WHERE %s ORDER BY v %1$s $1 LIMIT $2', op, tab, cond)
    USING q, k;
END $$;

-- Searches with `queries` vectors and compares with the exact answers. A row counts
-- as right when it is no farther than the last of the exact ones.
--   complete: as many rows as there are, up to k
--   in_order: distances never decrease
--   recall:   at least `floor` of the rows are right
CREATE OR REPLACE FUNCTION check_search(tab regclass, op text, k int DEFAULT 10, cond text DEFAULT 'true',
                                        queries int DEFAULT 20, floor float8 DEFAULT 0.95)
RETURNS TABLE (complete bool, in_order bool, recall bool)
LANGUAGE plpgsql AS $$
DECLARE
  dim int;
  q vector;
  wanted float8[];
  got float8[];
  n_wanted bigint := 0;
  n_right bigint := 0;
BEGIN
  complete := true;
  in_order := true;
  EXECUTE format('SELECT max(vector_dims(v)) FROM %s', tab) INTO dim;
  FOR i IN 1..queries LOOP
    q := test_vector(-i, dim);
    SELECT array_agg(distance) INTO wanted FROM nearest(tab, op, q, k, false, cond);
    SELECT array_agg(distance) INTO got FROM nearest(tab, op, q, k, true, cond);
    complete := complete AND cardinality(wanted) IS NOT DISTINCT FROM cardinality(got);
    in_order := in_order AND got IS NOT DISTINCT FROM (SELECT array_agg(d ORDER BY d) FROM unnest(got) d);
    n_wanted := n_wanted + coalesce(cardinality(wanted), 0);
    n_right := n_right + (SELECT count(*) FROM unnest(got) d WHERE d <= wanted[cardinality(wanted)]);
  END LOOP;
  recall := n_right >= floor * n_wanted AND n_wanted > 0;
  RETURN NEXT;
END $$;

-- How the planner reads the tables of a query.
CREATE OR REPLACE FUNCTION scans_of(query text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    IF line ~ 'Scan' THEN RETURN NEXT regexp_replace(line, '^[ >-]*', ''); END IF;
  END LOOP;
END $$;

RESET client_min_messages;
\set ECHO all
