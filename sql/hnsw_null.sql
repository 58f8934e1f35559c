-- Rows that have no place in the index: NULL, and zero vectors for cosine.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_null (id int, v vector(3));
INSERT INTO hnsw_null SELECT i, CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN '[0,0,0]' ELSE test_vector(i, 3) END FROM generate_series(1, 300) i;
CREATE INDEX hnsw_null_l2_idx ON hnsw_null USING hnsw (v vector_l2_ops);
CREATE INDEX hnsw_null_ip_idx ON hnsw_null USING hnsw (v vector_ip_ops);
CREATE INDEX hnsw_null_l1_idx ON hnsw_null USING hnsw (v vector_l1_ops);
CREATE INDEX hnsw_null_cosine_idx ON hnsw_null USING hnsw (v vector_cosine_ops);
CREATE FUNCTION hnsw_null_counts() RETURNS TABLE (op text, rows bigint, zero bigint, not_zero bigint) LANGUAGE sql AS $$
  SELECT op, count(*), count(*) FILTER (WHERE id % 3 = 1), count(*) FILTER (WHERE id % 3 = 2)
  FROM unnest(ARRAY['<#>', '<+>', '<->', '<=>']) op, nearest('hnsw_null', op, '[1,2,3]', 1000, true, 'true') GROUP BY op ORDER BY op COLLATE "C"
$$;
SELECT relname, reltuples FROM pg_class WHERE relname LIKE 'hnsw\_null\_%' ORDER BY 1;
SET hnsw.iterative_scan = relaxed_order;
SELECT * FROM hnsw_null_counts();
-- Without the index they are in the result, last
SET enable_indexscan = off;
SELECT count(*) FROM (SELECT id FROM hnsw_null ORDER BY v <-> '[1,2,3]' LIMIT 1000) _;
SELECT DISTINCT v FROM (SELECT v FROM hnsw_null ORDER BY v <=> '[1,2,3]' OFFSET 100) _ ORDER BY v;
RESET enable_indexscan;

-- Inserted
TRUNCATE hnsw_null;
INSERT INTO hnsw_null VALUES (0, NULL), (1, '[0,0,0]'), (4, '[-0,0,-0]');
SELECT * FROM hnsw_null_counts();
INSERT INTO hnsw_null SELECT i, CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN '[0,0,0]' ELSE test_vector(i, 3) END FROM generate_series(6, 300) i;
SELECT * FROM hnsw_null_counts();

-- In and out by UPDATE
UPDATE hnsw_null SET v = NULL WHERE id % 3 = 2;
SELECT * FROM hnsw_null_counts();
UPDATE hnsw_null SET v = '[0,0,0]' WHERE id % 3 = 2;
SELECT * FROM hnsw_null_counts();
UPDATE hnsw_null SET v = test_vector(id, 3) WHERE id % 3 = 2;
SELECT * FROM hnsw_null_counts();
VACUUM hnsw_null;
SELECT * FROM hnsw_null_counts();
SELECT relname, reltuples FROM pg_class WHERE relname LIKE 'hnsw\_null\_%' ORDER BY 1;
SELECT relname, c.* FROM pg_class, hnsw_check(oid, true) c WHERE relname LIKE 'hnsw\_null\_%' AND relkind = 'i';

-- A column of NULLs only
TRUNCATE hnsw_null;
INSERT INTO hnsw_null SELECT i, NULL FROM generate_series(1, 100) i;
REINDEX TABLE hnsw_null;
SELECT * FROM hnsw_null_counts();
VACUUM (INDEX_CLEANUP on) hnsw_null;
SELECT relname, c.* FROM pg_class, hnsw_check(oid, true) c WHERE relname LIKE 'hnsw\_null\_%' AND relkind = 'i';

-- IS NULL is no condition for the index, and it never answers without an order
SET enable_seqscan = off;
SELECT scans_of('SELECT id FROM hnsw_null WHERE v IS NULL');
SELECT count(*) FROM hnsw_null WHERE v IS NULL;
RESET enable_seqscan;
DROP FUNCTION hnsw_null_counts;
DROP TABLE hnsw_null;
