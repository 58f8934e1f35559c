-- The order of vectors, and btree indexes.

SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
       vector_cmp(a, b) AS cmp
FROM (VALUES
  ('[1,2,3]'::vector, '[1,2,3]'::vector), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'),
  ('[1,2]', '[2,3,4]'), ('[2,3]', '[1,2,3]'), ('[0]', '[-0]'), ('[-1]', '[1]'), ('[1,2,4]', '[1,2,3]')
) _ (a, b);
SELECT '[1]'::vector = NULL AS null;

CREATE TABLE type_compare (v vector);
INSERT INTO type_compare
  SELECT ARRAY[i % 10, i % 7]::vector FROM generate_series(1, 1000) i UNION ALL
  SELECT array_fill(i % 5, ARRAY[4000])::vector FROM generate_series(1, 20) i UNION ALL
  SELECT NULL;
SELECT count(DISTINCT v) FROM type_compare;
SELECT v, count(*) FROM type_compare WHERE vector_dims(v) = 2 GROUP BY v ORDER BY v DESC LIMIT 3;
SELECT min_dims FROM (SELECT vector_dims(v) AS min_dims FROM type_compare ORDER BY v LIMIT 1) _;

-- Long vectors do not fit into a btree entry, short ones do
CREATE INDEX ON type_compare (v) WHERE vector_dims(v) < 100;
ANALYZE type_compare;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM type_compare WHERE v = '[3,4]' AND vector_dims(v) < 100;
SELECT count(*) FROM type_compare WHERE v = '[3,4]' AND vector_dims(v) < 100;
SELECT count(*) FROM type_compare WHERE v < '[1,2]' AND vector_dims(v) < 100;
SELECT DISTINCT v FROM type_compare WHERE v > '[9,3]' AND vector_dims(v) < 100 ORDER BY v;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_indexonlyscan;
SELECT count(*) FROM type_compare WHERE v < '[1,2]' AND vector_dims(v) < 100;
-- A join by equality
SELECT count(*) FROM type_compare a JOIN type_compare b USING (v) WHERE vector_dims(a.v) = 4000;
DROP TABLE type_compare;

CREATE TEMP TABLE u (v vector(2) PRIMARY KEY);
INSERT INTO u VALUES ('[1,2]'), ('[2,1]');
INSERT INTO u VALUES ('[1,2]') ON CONFLICT DO NOTHING;
INSERT INTO u VALUES ('[2,1]');
SELECT * FROM u ORDER BY v;
