-- hnsw_sync, hnsw_cleanup, hnsw_status, hnsw_indexes.
SET client_min_messages = warning;

-- Counts hold still only where no background worker does what is done here by hand. A
-- server that has one goes without it for the time of this test.
LOAD 'hnswpg';
SELECT coalesce(max(setting), '') AS own_interval FROM pg_file_settings
  WHERE name = 'hnsw.sync_interval' AND sourcefile ~ 'postgresql.auto.conf$' \gset
ALTER SYSTEM SET hnsw.sync_interval = 0;
SELECT pg_reload_conf();
\c -
SELECT current_setting('hnsw.sync_interval') WHERE vector_dims(vector '[1,2,3]') = 3;
DO $$BEGIN
  FOR i IN 1 .. 1000 LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'hnswpg worker');
    PERFORM pg_sleep(0.01);
  END LOOP;
END$$;
SET client_min_messages = warning;

-- Reproducible vectors: element j of vector i.
CREATE FUNCTION maintenance_vector(i int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS
  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 1000)::real ORDER BY j)::vector FROM generate_series(1, dim) j$$;

-- What does not depend on random levels, clocks and the layout of pages.
CREATE FUNCTION counts(idx regclass)
  RETURNS TABLE (name regclass, elements bigint, pending bigint, dead bigint, free bigint, duplicates bigint,
    has_graph bool, was_synced bool, bytes_add_up bool)
  LANGUAGE sql AS $$
    SELECT index, elements, pending, dead, free, duplicates, levels > 0 AND entry_point >= 0, last_sync <= clock_timestamp(),
      graph_bytes + vector_bytes + current_setting('block_size')::int = total_bytes AND total_bytes = pg_relation_size(index)
    FROM hnsw_status(idx) ORDER BY index::text
  $$;

CREATE TABLE m (id int, v vector(6)) WITH (autovacuum_enabled = off);
CREATE INDEX m_idx ON m USING hnsw (v vector_l2_ops);

-- Empty
SELECT * FROM counts('m_idx');
SELECT index, levels, entry_point, graph_bytes, vector_bytes FROM hnsw_status('m_idx');
SELECT hnsw_sync('m_idx'), hnsw_cleanup('m_idx');

-- Pending until synced; each once
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(1, 200) i;
SELECT * FROM counts('m_idx');
SELECT hnsw_sync('m_idx');
SELECT * FROM counts('m_idx');
SELECT hnsw_sync('m_idx');
SELECT now() - last_sync < interval '1 hour' AS just_now FROM hnsw_status('m_idx');

-- Equal vectors share an element, once they are linked
INSERT INTO m SELECT i + 1000, maintenance_vector(i, 6) FROM generate_series(1, 30) i;
SELECT * FROM counts('m_idx');
SELECT hnsw_sync('m_idx');
SELECT * FROM counts('m_idx');

-- What a transaction has written is pending for all, and stays when it aborts
BEGIN;
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(2001, 2010) i;
SELECT hnsw_sync('m_idx');
ROLLBACK;
SELECT * FROM counts('m_idx');

-- Dead until cleaned up; the slots are used again
DELETE FROM m WHERE id BETWEEN 101 AND 200;
VACUUM (INDEX_CLEANUP ON) m;
SELECT * FROM counts('m_idx');
SELECT hnsw_cleanup('m_idx');
SELECT * FROM counts('m_idx');
SELECT hnsw_cleanup('m_idx');
SELECT * FROM hnsw_check('m_idx', true);
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(3001, 3020) i;
SELECT * FROM counts('m_idx');
SELECT hnsw_sync('m_idx');
SELECT * FROM hnsw_check('m_idx', true);

-- The number of rows is an estimate, once there is something to estimate from
ANALYZE m;
SELECT table_rows, (SELECT reltuples FROM pg_class WHERE relname = 'm') FROM hnsw_status('m_idx');
CREATE TABLE m_rows (v vector(3)) WITH (autovacuum_enabled = off);
CREATE INDEX m_rows_idx ON m_rows USING hnsw (v vector_l2_ops);
SELECT table_rows FROM hnsw_status('m_rows_idx');
INSERT INTO m_rows SELECT maintenance_vector(i, 3) FROM generate_series(1, 500) i;
SELECT table_rows FROM hnsw_status('m_rows_idx');
ANALYZE m_rows;
SELECT table_rows FROM hnsw_status('m_rows_idx');
INSERT INTO m_rows SELECT v FROM m_rows;
SELECT table_rows BETWEEN 800 AND 1200 AS follows_the_size FROM hnsw_status('m_rows_idx');
TRUNCATE m_rows;
SELECT table_rows FROM hnsw_status('m_rows_idx');
DROP TABLE m_rows;

-- Rebuilding: another file, the same index, whatever uses it
CREATE FUNCTION file_of(idx regclass, OUT path text) LANGUAGE sql AS 'SELECT pg_relation_filepath(idx)';
SET enable_seqscan = off;
PREPARE nearest AS SELECT id FROM m ORDER BY v <-> maintenance_vector(3007, 6) LIMIT 1;
EXECUTE nearest;
SELECT 'm_idx'::regclass::oid AS idx, file_of('m_idx') AS file \gset
COMMENT ON INDEX m_idx IS 'stays';
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(3021, 3030) i;
SELECT hnsw_sync('m_idx', true);
SELECT 'm_idx'::regclass = :idx AS same_index, file_of('m_idx') <> :'file' AS other_file, obj_description(:idx) AS comment;
SELECT * FROM counts('m_idx');
EXECUTE nearest;
SELECT * FROM hnsw_check('m_idx', true);
SELECT relname FROM pg_class WHERE relname LIKE 'm_idx%';

-- Options take effect
ALTER INDEX m_idx SET (quantization = int8);
SELECT hnsw_sync('m_idx', rebuild => true);
ALTER INDEX m_idx SET (quantization = none, m = 4);
SELECT vector_bytes > 0 AS has_codes FROM hnsw_status('m_idx');
SELECT hnsw_sync('m_idx', rebuild => true);
SELECT vector_bytes > 0 AS has_codes FROM hnsw_status('m_idx');
SELECT * FROM hnsw_check('m_idx', true);

-- As part of a transaction
SELECT file_of('m_idx') AS file \gset
BEGIN;
SELECT hnsw_sync('m_idx', true);
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(4001, 4010) i;
SELECT * FROM hnsw_check('m_idx', true);
SELECT hnsw_sync('m_idx', true);
EXECUTE nearest;
ROLLBACK;
SELECT file_of('m_idx') = :'file' AS same_file;
SELECT * FROM hnsw_check('m_idx', true);
EXECUTE nearest;
BEGIN;
SAVEPOINT one;
SELECT hnsw_sync('m_idx', true);
ROLLBACK TO one;
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(5001, 5010) i;
SAVEPOINT two;
SELECT hnsw_sync('m_idx', true);
RELEASE two;
COMMIT;
SELECT * FROM hnsw_check('m_idx', true);
SELECT * FROM counts('m_idx');
BEGIN;
TRUNCATE m;
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(1, 10) i;
SELECT hnsw_sync('m_idx', true);
CREATE INDEX m_second ON m USING hnsw (v vector_l2_ops);
INSERT INTO m SELECT i, maintenance_vector(i, 6) FROM generate_series(11, 20) i;
SELECT hnsw_sync('m_second', true);
COMMIT;
SELECT * FROM hnsw_check('m_idx', true) UNION ALL SELECT * FROM hnsw_check('m_second', true);
DROP INDEX m_second;

-- Not while this session reads through the index
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM m ORDER BY v <-> maintenance_vector(3007, 6);
FETCH 1 FROM c;
SELECT hnsw_sync('m_idx', true);
ROLLBACK;
INSERT INTO m SELECT hnsw_sync('m_idx', true), maintenance_vector(i, 6) FROM generate_series(1, 2) i;
SELECT * FROM hnsw_check('m_idx', true);

-- Older snapshots find in the new graph what they may see
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM m;
SELECT hnsw_sync('m_idx', true);
SELECT count(*) FROM (SELECT id FROM m ORDER BY v <-> maintenance_vector(1, 6) LIMIT 100) _;
COMMIT;

-- Broken HOT chains: an index that is not for older snapshots becomes one that is
CREATE TABLE m_hot (id int, n int, v vector(3)) WITH (autovacuum_enabled = off);
INSERT INTO m_hot SELECT i, 0, maintenance_vector(i, 3) FROM generate_series(1, 20) i;
BEGIN;
UPDATE m_hot SET n = 1, v = maintenance_vector(id + 100, 3);
CREATE INDEX m_hot_idx ON m_hot USING hnsw (v vector_l2_ops);
COMMIT;
SELECT indcheckxmin FROM pg_index WHERE indexrelid = 'm_hot_idx'::regclass;
VACUUM m_hot;
SELECT hnsw_sync('m_hot_idx', true);
SELECT indcheckxmin FROM pg_index WHERE indexrelid = 'm_hot_idx'::regclass;
SELECT * FROM hnsw_check('m_hot_idx', true);

-- Indexes of every kind
CREATE UNLOGGED TABLE m_kinds (id int, v vector(6)) WITH (autovacuum_enabled = off);
SET allow_in_place_tablespaces = true;
CREATE TABLESPACE regress_hnswpg_space LOCATION '';
CREATE INDEX m_expr ON m_kinds USING hnsw (((v + v)::vector(6)) vector_cosine_ops) TABLESPACE regress_hnswpg_space;
CREATE INDEX m_part ON m_kinds USING hnsw (v vector_l1_ops) WITH (sync = immediate) WHERE id % 2 = 0;
INSERT INTO m_kinds SELECT i, maintenance_vector(i, 6) FROM generate_series(1, 40) i;
SELECT * FROM counts('m_expr') UNION ALL SELECT * FROM counts('m_part');
SELECT hnsw_sync('m_expr', true), hnsw_sync('m_part', true);
SELECT * FROM counts('m_expr') UNION ALL SELECT * FROM counts('m_part');
SELECT * FROM hnsw_check('m_expr', true) UNION ALL SELECT * FROM hnsw_check('m_part', true);
SELECT relname, relpersistence, spcname, reloptions FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = reltablespace
  WHERE relname IN ('m_expr', 'm_part') ORDER BY 1;
CREATE TEMPORARY TABLE m_temp (v vector(6));
CREATE INDEX m_temp_idx ON m_temp USING hnsw (v vector_l2_ops);
INSERT INTO m_temp SELECT maintenance_vector(i, 6) FROM generate_series(1, 40) i;
SELECT * FROM counts('m_temp_idx');
SELECT hnsw_sync('m_temp_idx'), hnsw_sync('m_temp_idx', true), hnsw_cleanup('m_temp_idx');
SELECT * FROM hnsw_check('m_temp_idx', true);

-- Partitioned: a row for each partition, and sums
CREATE TABLE m_parted (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE INDEX m_parted_idx ON m_parted USING hnsw (v vector_l2_ops);
SELECT * FROM counts('m_parted_idx');
SELECT hnsw_sync('m_parted_idx'), hnsw_sync('m_parted_idx', true), hnsw_cleanup('m_parted_idx');
CREATE TABLE m_parted_1 PARTITION OF m_parted FOR VALUES FROM (0) TO (50) WITH (autovacuum_enabled = off);
CREATE TABLE m_parted_2 PARTITION OF m_parted FOR VALUES FROM (50) TO (200) PARTITION BY RANGE (id);
CREATE TABLE m_parted_2a PARTITION OF m_parted_2 FOR VALUES FROM (50) TO (200) WITH (autovacuum_enabled = off);
INSERT INTO m_parted SELECT i, maintenance_vector(i, 3) FROM generate_series(1, 100) i;
SELECT * FROM counts('m_parted_idx');
SELECT hnsw_sync('m_parted_idx');
DELETE FROM m_parted WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP ON) m_parted;
SELECT * FROM counts('m_parted_idx');
SELECT hnsw_cleanup('m_parted_idx');
SELECT hnsw_sync('m_parted_idx', true);
SELECT * FROM counts('m_parted_idx');

-- All of them; what cannot be read is left out
CREATE FUNCTION m_fails(v vector) RETURNS vector IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
CREATE INDEX CONCURRENTLY m_invalid ON m USING hnsw ((m_fails(v)::vector(6)) vector_l2_ops);
SELECT schema_name = 'public' AS in_public, table_name, index_name, index, elements, pending FROM hnsw_indexes ORDER BY index_name;
SELECT index FROM hnsw_indexes WHERE table_name = 'm_hot' AND pending = 0;
SELECT * FROM hnsw_status('m_invalid');
SELECT * FROM hnsw_status('m_invalid', skip_unreadable => true);
SELECT hnsw_sync('m_invalid');
SELECT hnsw_sync('m_invalid', true);
SELECT hnsw_cleanup('m_invalid');
DROP INDEX m_invalid;

-- What is not an hnsw index
CREATE INDEX m_btree ON m (id);
CREATE TABLE m_other (id int PRIMARY KEY) PARTITION BY RANGE (id);
SELECT hnsw_sync('m_btree');
SELECT hnsw_sync('m_btree', true);
SELECT hnsw_cleanup('m_btree');
SELECT * FROM hnsw_status('m_btree');
SELECT * FROM hnsw_status('m_btree', true);
SELECT * FROM hnsw_status('m_other_pkey');
SELECT hnsw_sync('m');
SELECT hnsw_sync('m', true);
SELECT hnsw_sync('m_parted');
SELECT hnsw_sync('m_other');
SELECT hnsw_cleanup('m_kinds');
SELECT hnsw_cleanup('m');
SELECT * FROM hnsw_status('m');
SELECT hnsw_sync('pg_class_oid_index');
SELECT hnsw_sync('no_such_index');
SELECT hnsw_sync(NULL), hnsw_sync('m_idx', NULL), hnsw_cleanup(NULL);
SELECT count(*) FROM hnsw_status(NULL);

-- A dropped one
CREATE INDEX m_dropped ON m USING hnsw (v vector_l2_ops);
SELECT 'm_dropped'::regclass::oid AS dropped \gset
DROP INDEX m_dropped;
\set VERBOSITY sqlstate
SELECT hnsw_sync(:dropped);
SELECT hnsw_sync(:dropped, true);
SELECT hnsw_cleanup(:dropped);
SELECT * FROM hnsw_status(:dropped);
\set VERBOSITY default
SELECT * FROM hnsw_status(:dropped, true);

-- Read-only transactions may look
BEGIN READ ONLY;
SELECT * FROM counts('m_idx');
SAVEPOINT s;
SELECT hnsw_sync('m_idx');
ROLLBACK TO s;
SELECT hnsw_sync('m_idx', true);
ROLLBACK TO s;
SELECT hnsw_cleanup('m_idx');
ROLLBACK;

-- Privileges: everybody may look; who may maintain the table may change
CREATE ROLE regress_hnswpg_maintainer;
SET ROLE regress_hnswpg_maintainer;
SELECT elements FROM hnsw_status('m_idx');
SELECT elements FROM hnsw_indexes WHERE index_name = 'm_idx';
-- (Which privilege is missing depends on the server's version.)
\set VERBOSITY sqlstate
SELECT hnsw_sync('m_idx');
SELECT hnsw_sync('m_idx', true);
SELECT hnsw_cleanup('m_idx');
SELECT hnsw_sync('m_parted_idx');
\set VERBOSITY default
RESET ROLE;
CREATE TABLE m_owned (v vector(3));
ALTER TABLE m_owned OWNER TO regress_hnswpg_maintainer;
CREATE FUNCTION m_who(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
  $$BEGIN IF current_user <> 'regress_hnswpg_maintainer' THEN RAISE 'evaluated as %', current_user; END IF; RETURN v; END$$;
GRANT CREATE ON SCHEMA public TO regress_hnswpg_maintainer;
SET ROLE regress_hnswpg_maintainer;
CREATE INDEX m_owned_idx ON m_owned USING hnsw ((m_who(v)::vector(3)) vector_l2_ops);
INSERT INTO m_owned SELECT maintenance_vector(i, 3) FROM generate_series(1, 10) i;
SELECT hnsw_sync('m_owned_idx'), hnsw_sync('m_owned_idx', true), hnsw_cleanup('m_owned_idx');
RESET ROLE;
-- evaluated as the owner, whoever asks for it
SELECT hnsw_sync('m_owned_idx', true);
SELECT current_user = session_user AS same_user;

-- The extension may be moved
CREATE SCHEMA m_schema;
ALTER EXTENSION hnswpg SET SCHEMA m_schema;
SELECT count(*) > 0 AS works FROM m_schema.hnsw_indexes;
ALTER EXTENSION hnswpg SET SCHEMA public;

-- Everything that is for users says what it is
SELECT p.oid::regprocedure FROM pg_proc p
  WHERE proname IN ('hnsw_sync', 'hnsw_cleanup', 'hnsw_status', 'hnsw_check') AND obj_description(p.oid) IS NULL;
SELECT attname FROM pg_attribute
  WHERE attrelid = 'hnsw_indexes'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;

DROP SCHEMA m_schema;
DROP TABLE m, m_hot, m_kinds, m_temp, m_parted, m_other, m_owned;
DROP TABLESPACE regress_hnswpg_space;
DROP FUNCTION m_fails, m_who, file_of, counts, maintenance_vector;
REVOKE ALL ON SCHEMA public FROM regress_hnswpg_maintainer;
DROP ROLE regress_hnswpg_maintainer;

-- The worker as it was
SELECT :'own_interval' <> '' AS has_own \gset
\if :has_own
ALTER SYSTEM SET hnsw.sync_interval = :'own_interval';
\else
ALTER SYSTEM RESET hnsw.sync_interval;
\endif
SELECT pg_reload_conf();
