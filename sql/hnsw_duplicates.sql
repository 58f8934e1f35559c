-- Equal vectors share one element, however many they are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_duplicates (id int, v vector(4)) WITH (autovacuum_enabled = off);
CREATE FUNCTION count_found(q vector, wanted int) RETURNS TABLE (found bigint, rows bigint, at_distance_0 bigint)
LANGUAGE sql AS $$
  SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE distance = 0)
  FROM nearest('hnsw_duplicates', '<->', q, wanted, true, 'true')
$$;

-- 1000 of one vector among others, built
INSERT INTO hnsw_duplicates SELECT i, CASE WHEN i % 2 = 0 THEN '[1,2,3,4]' ELSE test_vector(i, 4) END FROM generate_series(1, 2000) i;
CREATE INDEX hnsw_duplicates_idx ON hnsw_duplicates USING hnsw (v vector_l2_ops);
SELECT * FROM count_found('[1,2,3,4]', 1);
SELECT * FROM count_found('[1,2,3,4]', 40);
SELECT * FROM count_found('[1,2,3,4]', 1000);
SELECT * FROM count_found('[1,2,3,4]', 1001);
SELECT * FROM check_search('hnsw_duplicates', '<->');
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);
SELECT reltuples FROM pg_class WHERE relname = 'hnsw_duplicates_idx';

-- ... and more of them inserted
INSERT INTO hnsw_duplicates SELECT i, '[1,2,3,4]' FROM generate_series(2001, 3000) i;
SELECT * FROM count_found('[1,2,3,4]', 2000);
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);

-- Deleted in part, as a whole, and back
DELETE FROM hnsw_duplicates WHERE id % 4 = 0;
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
VACUUM hnsw_duplicates;
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);
INSERT INTO hnsw_duplicates SELECT i, '[1,2,3,4]' FROM generate_series(3001, 3100) i;
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);
DELETE FROM hnsw_duplicates WHERE v = '[1,2,3,4]' AND id <> 3007;
VACUUM hnsw_duplicates;
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
DELETE FROM hnsw_duplicates WHERE v = '[1,2,3,4]';
VACUUM (INDEX_CLEANUP on) hnsw_duplicates;
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
SELECT * FROM check_search('hnsw_duplicates', '<->');
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);
SELECT pg_relation_size('hnsw_duplicates_idx') AS size \gset
INSERT INTO hnsw_duplicates SELECT i, '[1,2,3,4]' FROM generate_series(4001, 5000) i;
SELECT pg_relation_size('hnsw_duplicates_idx') <= 1.05 * :size AS reused;
SELECT at_distance_0 FROM count_found('[1,2,3,4]', 3000);
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);

-- Nothing but one vector: rows cost their place in a list, not an element each
TRUNCATE hnsw_duplicates;
INSERT INTO hnsw_duplicates SELECT i, '[0,0,0,0]' FROM generate_series(1, 20000) i;
REINDEX INDEX hnsw_duplicates_idx;
SELECT pg_relation_size('hnsw_duplicates_idx') / 20000.0 < 40 AS small;
SELECT count(DISTINCT id) FROM nearest('hnsw_duplicates', '<->', '[0,0,0,0]', 30000, true, 'true');
TRUNCATE hnsw_duplicates;
INSERT INTO hnsw_duplicates SELECT i, '[0,0,0,0]' FROM generate_series(1, 500) i;
SELECT * FROM count_found('[0,0,0,0]', 1000);
SELECT * FROM count_found('[1,1,1,1]', 1000);
REINDEX INDEX hnsw_duplicates_idx;
SELECT * FROM count_found('[0,0,0,0]', 1000);
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);
UPDATE hnsw_duplicates SET v = '[1,1,1,1]' WHERE id <= 250;
SELECT * FROM count_found('[0,0,0,0]', 1000);
SELECT * FROM count_found('[1,1,1,1]', 1000);
VACUUM hnsw_duplicates;
SELECT * FROM count_found('[0,0,0,0]', 1000);
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);

-- Equal directions are not equal vectors, -0 is 0, and vectors with equal codes
-- are told apart
TRUNCATE hnsw_duplicates;
INSERT INTO hnsw_duplicates VALUES (1, '[1,1,1,1]'), (2, '[2,2,2,2]'), (3, '[0,0,0,0]'), (4, '[-0,0,0,0]'), (5, '[0,-0,-0,0]'),
  (6, '[1,1.0001,1,1]'), (7, '[1,1,1.0001,1]');
SELECT id, distance FROM nearest('hnsw_duplicates', '<->', '[0,0,0,0]', 3, true, 'true') ORDER BY 1;
SELECT id FROM nearest('hnsw_duplicates', '<->', '[1,1,1,1]', 1, true, 'true');
SELECT id FROM nearest('hnsw_duplicates', '<->', '[1,1.0001,1,1]', 1, true, 'true');
SELECT id FROM nearest('hnsw_duplicates', '<->', '[1,1,1.0001,1]', 1, true, 'true');
SELECT * FROM hnsw_check('hnsw_duplicates_idx', true);
DROP FUNCTION count_found;
DROP TABLE hnsw_duplicates;

-- With few entries to a container, and over pages
CREATE TABLE hnsw_duplicates_small (id int, v vector(1));
CREATE INDEX hnsw_duplicates_small_idx ON hnsw_duplicates_small USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4, quantization = none);
INSERT INTO hnsw_duplicates_small SELECT i, ARRAY[i % 3]::vector FROM generate_series(1, 600) i;
SELECT distance, count(*), count(DISTINCT id) FROM nearest('hnsw_duplicates_small', '<->', '[0]', 1000, true, 'true') GROUP BY 1 ORDER BY 1;
SELECT * FROM hnsw_check('hnsw_duplicates_small_idx', true);
REINDEX INDEX hnsw_duplicates_small_idx;
SELECT distance, count(*), count(DISTINCT id) FROM nearest('hnsw_duplicates_small', '<->', '[0]', 1000, true, 'true') GROUP BY 1 ORDER BY 1;
DELETE FROM hnsw_duplicates_small WHERE id % 5 > 0;
VACUUM hnsw_duplicates_small;
SELECT distance, count(*), count(DISTINCT id) FROM nearest('hnsw_duplicates_small', '<->', '[0]', 1000, true, 'true') GROUP BY 1 ORDER BY 1;
SELECT * FROM hnsw_check('hnsw_duplicates_small_idx', true);
DROP TABLE hnsw_duplicates_small;

-- While a cursor has returned some of them
CREATE TABLE hnsw_duplicates_cursor (id int, v vector(2));
CREATE INDEX hnsw_duplicates_cursor_idx ON hnsw_duplicates_cursor USING hnsw (v vector_l2_ops);
INSERT INTO hnsw_duplicates_cursor SELECT i, '[1,1]' FROM generate_series(1, 100) i;
SET enable_seqscan = off;
BEGIN;
DECLARE near CURSOR FOR SELECT id FROM hnsw_duplicates_cursor ORDER BY v <-> '[0,0]';
MOVE 50 IN near;
INSERT INTO hnsw_duplicates_cursor SELECT i, '[1,1]' FROM generate_series(101, 200) i;
DELETE FROM hnsw_duplicates_cursor WHERE id <= 100;
CREATE FUNCTION rest_of(c refcursor) RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := 0; r record; BEGIN LOOP FETCH c INTO r; EXIT WHEN NOT FOUND; n := n + 1; END LOOP; RETURN n; END $$;
SELECT rest_of('near');
ROLLBACK;
DROP TABLE hnsw_duplicates_cursor;
