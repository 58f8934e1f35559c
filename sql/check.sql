-- hnsw_check: sound indexes of every kind, and what it refuses to check. What it
-- reports of damaged ones: test/tap/040_damage.pl.
SET client_min_messages = warning;

-- Reproducible vectors: element j of vector i.
CREATE FUNCTION check_vector(i int, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 1000)::real ORDER BY j) FROM generate_series(1, dim) j$$;

-- Checks an index with and without a look at the table's rows.
CREATE FUNCTION violations(index regclass) RETURNS TABLE (index_name regclass, block bigint, element bigint, violation text)
  LANGUAGE sql AS $$
    SELECT index, c.* FROM hnsw_check(index) c
    UNION ALL
    SELECT index, c.* FROM hnsw_check(index, heapcheck => true) c
  $$;

-- Empty, one row, some rows; each distance, with codes and without
CREATE TABLE check_t (id int, v vector(20));
CREATE INDEX check_l2 ON check_t USING hnsw (v vector_l2_ops);
CREATE INDEX check_ip ON check_t USING hnsw (v vector_ip_ops);
CREATE INDEX check_cosine ON check_t USING hnsw (v vector_cosine_ops);
CREATE INDEX check_l1 ON check_t USING hnsw (v vector_l1_ops);
CREATE INDEX check_exact ON check_t USING hnsw (v vector_l2_ops) WITH (quantization = none, m = 2, ef_construction = 4);
CREATE INDEX check_part ON check_t USING hnsw (v vector_l2_ops) WHERE id % 2 = 0;
CREATE INDEX check_expr ON check_t USING hnsw (((v + v)::vector(20)) vector_l2_ops);
CREATE VIEW check_all AS
  SELECT v.* FROM pg_index i, violations(i.indexrelid::regclass) v WHERE i.indrelid = 'check_t'::regclass;
SELECT * FROM check_all;
INSERT INTO check_t VALUES (0, check_vector(0, 20)::vector);
SELECT * FROM check_all;
INSERT INTO check_t SELECT i, check_vector(i, 20)::vector FROM generate_series(1, 1000) i;
SELECT * FROM check_all;
REINDEX TABLE check_t;
SELECT * FROM check_all;

-- What is not indexed: NULL, and for the cosine zero
INSERT INTO check_t VALUES (-1, NULL), (-2, array_fill(0::real, '{20}')::vector);
SELECT * FROM check_all;

-- Updates, deletions, and what VACUUM makes of them
UPDATE check_t SET v = check_vector(id + 5000, 20)::vector WHERE id % 5 = 0;
UPDATE check_t SET id = id + 10000 WHERE id % 5 = 1;
DELETE FROM check_t WHERE id % 3 = 0;
SELECT * FROM check_all;
VACUUM check_t;
SELECT * FROM check_all;
INSERT INTO check_t SELECT i, check_vector(i, 20)::vector FROM generate_series(2001, 2300) i;
SELECT * FROM check_all;
DELETE FROM check_t;
VACUUM check_t;
SELECT * FROM check_all;
INSERT INTO check_t SELECT i, check_vector(i, 20)::vector FROM generate_series(1, 100) i;
SELECT * FROM check_all;

-- Rows of transactions that did not happen
BEGIN;
INSERT INTO check_t SELECT i, check_vector(i, 20)::vector FROM generate_series(3001, 3050) i;
SELECT * FROM check_all;
ROLLBACK;
SELECT * FROM check_all;
BEGIN;
SAVEPOINT s;
INSERT INTO check_t SELECT i, check_vector(i, 20)::vector FROM generate_series(3001, 3050) i;
ROLLBACK TO s;
SELECT * FROM check_all;
COMMIT;

-- Equal vectors: more than the slot holds, more than one container holds; built
-- and inserted
CREATE TABLE check_equal (id int, v vector(3));
INSERT INTO check_equal SELECT i, ARRAY[i % 4, 1, 0]::vector FROM generate_series(1, 600) i;
CREATE INDEX check_equal_built ON check_equal USING hnsw (v vector_l2_ops);
TRUNCATE check_equal;
CREATE INDEX check_equal_inserted ON check_equal USING hnsw (v vector_l2_ops) WITH (quantization = none);
INSERT INTO check_equal SELECT i, ARRAY[i % 4, 1, 0]::vector FROM generate_series(1, 600) i;
REINDEX INDEX check_equal_built;
SELECT * FROM violations('check_equal_built') UNION ALL SELECT * FROM violations('check_equal_inserted');
DELETE FROM check_equal WHERE id % 4 = 1 OR id < 500;
VACUUM check_equal;
SELECT * FROM violations('check_equal_built') UNION ALL SELECT * FROM violations('check_equal_inserted');

-- Elements wider than a page, and vectors that cross pages
CREATE TABLE check_wide (id int, v vector(2500), w vector(9000));
INSERT INTO check_wide SELECT i, check_vector(i, 2500)::vector, check_vector(i, 9000)::vector FROM generate_series(1, 30) i;
CREATE INDEX check_wide_exact ON check_wide USING hnsw (v vector_cosine_ops) WITH (quantization = none);
CREATE INDEX check_wide_code ON check_wide USING hnsw (w vector_l2_ops);
INSERT INTO check_wide SELECT i, check_vector(i, 2500)::vector, check_vector(i, 9000)::vector FROM generate_series(31, 50) i;
SELECT * FROM violations('check_wide_exact') UNION ALL SELECT * FROM violations('check_wide_code');
DELETE FROM check_wide WHERE id % 2 = 0;
VACUUM check_wide;
INSERT INTO check_wide SELECT i, check_vector(i, 2500)::vector, check_vector(i, 9000)::vector FROM generate_series(51, 60) i;
SELECT * FROM violations('check_wide_exact') UNION ALL SELECT * FROM violations('check_wide_code');

-- Unlogged and temporary tables
CREATE UNLOGGED TABLE check_unlogged (v vector(3));
CREATE INDEX ON check_unlogged USING hnsw (v vector_l2_ops);
INSERT INTO check_unlogged SELECT check_vector(i, 3)::vector FROM generate_series(1, 100) i;
SELECT * FROM violations('check_unlogged_v_idx');
CREATE TEMPORARY TABLE check_temp (v vector(3));
CREATE INDEX ON check_temp USING hnsw (v vector_l2_ops);
INSERT INTO check_temp SELECT check_vector(i, 3)::vector FROM generate_series(1, 100) i;
SELECT * FROM violations('check_temp_v_idx');

-- A partitioned index is checked partition by partition
CREATE TABLE check_parted (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE check_parted_1 PARTITION OF check_parted FOR VALUES FROM (0) TO (50);
CREATE TABLE check_parted_2 PARTITION OF check_parted FOR VALUES FROM (50) TO (200);
CREATE INDEX check_parted_idx ON check_parted USING hnsw (v vector_l2_ops);
INSERT INTO check_parted SELECT i, check_vector(i, 3)::vector FROM generate_series(1, 100) i;
SELECT * FROM hnsw_check('check_parted_idx');
SELECT relid, c.* FROM pg_partition_tree('public.check_parted_idx') AS t, hnsw_check(t.relid) AS c WHERE t.isleaf;

-- What is not an hnsw index
CREATE INDEX check_btree ON check_t (id);
SELECT * FROM hnsw_check('check_btree');
SELECT * FROM hnsw_check('check_t');
SELECT * FROM hnsw_check('check_all');
SELECT * FROM hnsw_check('no_such_index');
SELECT count(*) FROM hnsw_check(NULL);

-- Not for everyone
CREATE ROLE regress_hnswpg_check;
SET ROLE regress_hnswpg_check;
SELECT * FROM hnsw_check('check_l2');
RESET ROLE;
GRANT EXECUTE ON FUNCTION hnsw_check(regclass, boolean) TO regress_hnswpg_check;
SET ROLE regress_hnswpg_check;
SELECT * FROM hnsw_check('check_l2');
RESET ROLE;

-- An expression of the index is evaluated as the table's owner, not as the caller
CREATE TABLE check_owned (v vector(3));
ALTER TABLE check_owned OWNER TO regress_hnswpg_check;
CREATE FUNCTION check_who(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
  $$BEGIN IF current_user <> 'regress_hnswpg_check' THEN RAISE 'evaluated as %', current_user; END IF; RETURN v; END$$;
SET ROLE regress_hnswpg_check;
INSERT INTO check_owned SELECT check_vector(i, 3)::vector FROM generate_series(1, 10) i;
RESET ROLE;
GRANT CREATE ON SCHEMA public TO regress_hnswpg_check;
SET ROLE regress_hnswpg_check;
CREATE INDEX check_owned_idx ON check_owned USING hnsw ((check_who(v)::vector(3)) vector_l2_ops);
RESET ROLE;
SELECT * FROM hnsw_check('check_owned_idx', true);
SELECT current_user = session_user AS same_user;

DROP TABLE check_owned, check_parted, check_unlogged, check_temp, check_wide, check_equal;
DROP VIEW check_all;
DROP TABLE check_t;
REVOKE ALL ON FUNCTION hnsw_check(regclass, boolean) FROM regress_hnswpg_check;
REVOKE ALL ON SCHEMA public FROM regress_hnswpg_check;
DROP FUNCTION check_vector, check_who, violations;
DROP ROLE regress_hnswpg_check;
