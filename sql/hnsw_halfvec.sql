-- Indexes on halfvec: the rows that they return against those of an exact search, by every
-- distance, with codes, without and as they are by default; and through the life of an index.
CREATE FUNCTION numbers(id bigint, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(100 + (hashint8extended(id, d) & 65535) / 65536.0)::real[] FROM generate_series(1, dim) d);
CREATE TABLE halves (id int, v halfvec(48));
INSERT INTO halves SELECT i, numbers(i, 48)::halfvec FROM generate_series(1, 1500) i;

-- The share of the true ten nearest that a search finds, to a hundredth, over 50 rows.
CREATE FUNCTION recall(op text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  nearest text := format('SELECT q.id AS q, n.d FROM (SELECT * FROM halves WHERE id %% 30 = 0) q,
    LATERAL (SELECT v %1$s q.v AS d FROM halves ORDER BY v %1$s q.v LIMIT 10) n', op);
  found bigint;
BEGIN
  SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on;
  EXECUTE 'CREATE TEMP TABLE truth ON COMMIT DROP AS SELECT q, max(d) AS d FROM (' || nearest || ') x GROUP BY q';
  SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;
  SET LOCAL hnsw.ef_search = 100;
  EXECUTE 'SELECT count(*) FROM (' || nearest || ') x JOIN truth USING (q) WHERE x.d <= truth.d' INTO found;
  DROP TABLE truth;
  RETURN round(found / (10.0 * (SELECT count(*) FROM halves WHERE id % 30 = 0)), 2);
END $$;

-- They lie away from the origin, which codes have to see.
CREATE INDEX by_l2 ON halves USING hnsw (v halfvec_l2_ops);
CREATE INDEX by_cosine ON halves USING hnsw (v halfvec_cosine_ops);
CREATE INDEX by_ip ON halves USING hnsw (v halfvec_ip_ops);
CREATE INDEX by_l1 ON halves USING hnsw (v halfvec_l1_ops);
SELECT recall('<->') > 0.9 AS l2, recall('<=>') > 0.9 AS cosine, recall('<#>') > 0.9 AS ip, recall('<+>') > 0.9 AS l1;
SELECT i, quantization, automatic, vector_bytes > 0 AS has_vectors, code_book
  FROM (VALUES ('by_l2'), ('by_cosine'), ('by_ip'), ('by_l1')) x (i), hnsw_status(i::regclass);
DROP INDEX by_l2, by_cosine, by_ip, by_l1;
CREATE INDEX plain ON halves USING hnsw (v halfvec_l2_ops) WITH (quantization = none);
SELECT recall('<->') > 0.9 AS l2;
DROP INDEX plain;

-- Inserted into an empty index, which learns a book of its own.
CREATE TABLE source AS SELECT * FROM halves;
TRUNCATE halves;
CREATE INDEX grown ON halves USING hnsw (v halfvec_l2_ops);
INSERT INTO halves SELECT * FROM source;
SELECT hnsw_sync('grown') >= 0 AS synced;
SELECT recall('<->') > 0.9 AS l2, (SELECT code_book > 1 FROM hnsw_status('grown')) AS has_learnt;
DELETE FROM halves WHERE id % 4 = 1;
VACUUM (INDEX_CLEANUP ON) halves;
SELECT hnsw_cleanup('grown') > 300 AS cleaned_up;
UPDATE halves SET v = numbers(id + 10000, 48)::halfvec WHERE id % 4 = 2;
SELECT recall('<->') > 0.9 AS l2;
SELECT * FROM hnsw_check('grown', true);

-- As applications write it: the column is a vector, the index is of half the size.
ALTER TABLE source ALTER v TYPE vector(48);
CREATE INDEX ON source USING hnsw ((v::halfvec(48)) halfvec_cosine_ops);
SET enable_seqscan = off;
DO $$
DECLARE line text; used boolean := false;
BEGIN
  FOR line IN EXPLAIN SELECT id FROM source ORDER BY v::halfvec(48) <=> array_fill(1::real, ARRAY[48])::halfvec(48) LIMIT 5 LOOP
    used := used OR line ~ 'Index Scan using source_v_idx';
  END LOOP;
  ASSERT used, 'the index is not used';
END $$;
CREATE TABLE loose (v halfvec);
CREATE INDEX ON loose USING hnsw (v halfvec_l2_ops);
SELECT '[65504,-65504]'::halfvec, '[1e-8,6e-8]'::halfvec;
SELECT '[65520]'::halfvec;
SELECT '[70000]'::vector::halfvec;
SELECT '[60000]'::halfvec + '[60000]';
SELECT '[1e-5]'::halfvec * '[1e-5]';
SELECT sum(v) FROM (VALUES ('[60000]'::halfvec), ('[60000]')) x (v);
SELECT avg(v) FROM (VALUES ('[60000]'::halfvec), ('[65504]')) x (v);
DROP TABLE halves, source, loose;
DROP FUNCTION recall;
DROP FUNCTION numbers;
