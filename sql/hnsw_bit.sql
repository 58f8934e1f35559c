-- Distances of bit, and indexes on it.
SELECT B'1010' <~> B'1001' AS hamming, B'1010' <%> B'1001' AS jaccard, B'0000' <%> B'0000' AS of_none, B'1' <%> B'1' AS same;
SELECT hamming_distance(B'111', B'000'), jaccard_distance(B'1100', B'1000'), B'' <~> B'' AS empty;
SELECT B'1' <~> B'10';
SELECT B'1' <%> NULL AS nothing, repeat('1', 2001)::bit(2001) <~> repeat('0', 2001)::bit(2001) AS long;

CREATE FUNCTION bits(id bigint, n int) RETURNS bit varying LANGUAGE sql IMMUTABLE
RETURN (SELECT string_agg((hashint8extended(id, d) & 1)::text, '' ORDER BY d)::bit varying FROM generate_series(1, n) d);
CREATE TABLE fingerprints (id int, b bit(75));
INSERT INTO fingerprints SELECT i, bits(i % 900, 75)::bit(75) FROM generate_series(1, 1000) i;
CREATE INDEX by_hamming ON fingerprints USING hnsw (b bit_hamming_ops);
CREATE INDEX by_jaccard ON fingerprints USING hnsw (b bit_jaccard_ops) WITH (m = 12, ef_construction = 80);
SELECT i, quantization, duplicates FROM (VALUES ('by_hamming'), ('by_jaccard')) x (i), hnsw_status(i::regclass);
SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (costs off) SELECT id FROM fingerprints ORDER BY b <~> bits(7, 75)::bit(75) LIMIT 3;
-- Equal rows are all found, however little a search keeps.
SET hnsw.ef_search = 1;
SELECT count(*) FROM (SELECT b FROM fingerprints ORDER BY b <~> bits(7, 75)::bit(75) LIMIT 2) x WHERE b = bits(7, 75)::bit(75);
SET hnsw.ef_search = 200;
-- Each row finds itself, and the distances of the nearest are those of an exact search.
CREATE FUNCTION wrong(op text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  nearest text := format('SELECT q.id, array(SELECT b %1$s q.b FROM fingerprints ORDER BY b %1$s q.b LIMIT 5) AS d
    FROM (SELECT * FROM fingerprints WHERE id %% 20 = 0) q', op);
  n bigint;
BEGIN
  SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on;
  EXECUTE 'CREATE TEMP TABLE truth ON COMMIT DROP AS ' || nearest;
  SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;
  EXECUTE 'SELECT count(*) FROM (' || nearest || ') x JOIN truth USING (id) WHERE x.d <> truth.d' INTO n;
  DROP TABLE truth;
  RETURN n;
END $$;
SELECT wrong('<~>') <= 2 AS hamming, wrong('<%>') <= 2 AS jaccard;
INSERT INTO fingerprints SELECT i, bits(i, 75)::bit(75) FROM generate_series(2001, 2400) i;
SELECT hnsw_sync('by_hamming') >= 0 AND hnsw_sync('by_jaccard') >= 0 AS synced;
DELETE FROM fingerprints WHERE id % 3 = 0;
VACUUM (INDEX_CLEANUP ON) fingerprints;
SELECT hnsw_cleanup('by_hamming') > 200 AND hnsw_cleanup('by_jaccard') > 200 AS cleaned_up;
SELECT wrong('<~>') <= 2 AS hamming, wrong('<%>') <= 2 AS jaccard;
SELECT * FROM hnsw_check('by_hamming', true);
SELECT * FROM hnsw_check('by_jaccard', true);

-- What does not go together.
SELECT id FROM fingerprints ORDER BY b <~> B'101' LIMIT 1;
CREATE INDEX ON fingerprints USING hnsw (b bit_hamming_ops) WITH (quantization = int8);
CREATE INDEX ON fingerprints USING hnsw (b vector_l2_ops);
CREATE TABLE wide (b bit(64001));
CREATE INDEX ON wide USING hnsw (b bit_hamming_ops);
CREATE TABLE widest (b bit(64000));
CREATE INDEX widest_idx ON widest USING hnsw (b bit_jaccard_ops);
INSERT INTO widest SELECT repeat(t, 32000)::bit(64000) FROM (VALUES ('10'), ('01'), ('11')) x (t);
SELECT b = repeat('01', 32000)::bit(64000) AS found FROM widest ORDER BY b <%> repeat('01', 32000)::bit(64000) LIMIT 1;
SELECT * FROM hnsw_check('widest_idx', true);

-- As applications write it: by the signs first, and those found again by their vectors.
CREATE TABLE items (id int, v vector(40));
INSERT INTO items SELECT i, (SELECT array_agg((hashint8extended(i, d) & 65535) / 32768.0 - 1)::real[] FROM generate_series(1, 40) d)::vector
  FROM generate_series(1, 500) i;
CREATE INDEX items_signs ON items USING hnsw ((binary_quantize(v)::bit(40)) bit_hamming_ops);
EXPLAIN (costs off) SELECT id FROM items ORDER BY binary_quantize(v)::bit(40) <~> B'1010101010101010101010101010101010101010' LIMIT 5;
SELECT id FROM (SELECT * FROM items ORDER BY binary_quantize(v)::bit(40) <~> (SELECT binary_quantize(v)::bit(40) FROM items WHERE id = 77) LIMIT 20) x
  ORDER BY v <=> (SELECT v FROM items WHERE id = 77) LIMIT 1;
DROP TABLE fingerprints, wide, widest, items;
DROP FUNCTION wrong;
DROP FUNCTION bits;
