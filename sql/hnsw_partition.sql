-- Partitioned tables: an index on the parent is one on each partition.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

CREATE TABLE hnsw_partition (id int, v vector(4)) PARTITION BY RANGE (id);
CREATE TABLE hnsw_partition_1 PARTITION OF hnsw_partition FOR VALUES FROM (1) TO (1001);
CREATE TABLE hnsw_partition_2 PARTITION OF hnsw_partition FOR VALUES FROM (1001) TO (2001);
INSERT INTO hnsw_partition SELECT i, test_vector(i, 4) FROM generate_series(1, 1500) i;
CREATE INDEX hnsw_partition_idx ON hnsw_partition USING hnsw (v vector_l2_ops) WITH (m = 12);
INSERT INTO hnsw_partition SELECT i, test_vector(i, 4) FROM generate_series(1501, 2000) i;
ANALYZE hnsw_partition;

-- The nearest of all are merged from the nearest of each
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_partition ORDER BY v <-> '[0,0,0,0]' LIMIT 10;
SELECT * FROM check_search('hnsw_partition', '<->');
SELECT * FROM check_search('hnsw_partition', '<->', 10, 'id > 1200');
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_partition WHERE id > 1200 ORDER BY v <-> '[0,0,0,0]' LIMIT 10;

-- A partition that comes with rows, with an index of its own, or with none
CREATE TABLE hnsw_partition_3 (id int, v vector(4));
INSERT INTO hnsw_partition_3 SELECT i, test_vector(i, 4) FROM generate_series(2001, 2500) i;
ALTER TABLE hnsw_partition ATTACH PARTITION hnsw_partition_3 FOR VALUES FROM (2001) TO (3001);
CREATE TABLE hnsw_partition_4 (LIKE hnsw_partition_3);
INSERT INTO hnsw_partition_4 SELECT i, test_vector(i, 4) FROM generate_series(3001, 3300) i;
CREATE INDEX hnsw_partition_4_own_idx ON hnsw_partition_4 USING hnsw (v vector_l2_ops) WITH (quantization = none);
ALTER TABLE hnsw_partition ATTACH PARTITION hnsw_partition_4 FOR VALUES FROM (3001) TO (4001);
CREATE TABLE hnsw_partition_5 PARTITION OF hnsw_partition DEFAULT;
SELECT inhrelid::regclass, reloptions FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 'hnsw_partition_idx'::regclass ORDER BY inhrelid::regclass::text COLLATE "C";
INSERT INTO hnsw_partition SELECT i, test_vector(i, 4) FROM generate_series(5001, 5100) i;
SELECT * FROM check_search('hnsw_partition', '<->');

-- Rows that move between partitions
UPDATE hnsw_partition SET id = id + 3000 WHERE id <= 500;
SELECT * FROM check_search('hnsw_partition', '<->');
VACUUM hnsw_partition;
SELECT * FROM check_search('hnsw_partition', '<->');

-- An index on the parent only, and those of the partitions attached to it
CREATE INDEX hnsw_partition_cosine_idx ON ONLY hnsw_partition USING hnsw (v vector_cosine_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'hnsw_partition_cosine_idx'::regclass;
CREATE INDEX hnsw_partition_1_cosine_idx ON hnsw_partition_1 USING hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_partition_2_cosine_idx ON hnsw_partition_2 USING hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_partition_3_cosine_idx ON hnsw_partition_3 USING hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_partition_4_cosine_idx ON hnsw_partition_4 USING hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_partition_5_cosine_idx ON hnsw_partition_5 USING hnsw (v vector_cosine_ops);
ALTER INDEX hnsw_partition_cosine_idx ATTACH PARTITION hnsw_partition_1_cosine_idx;
ALTER INDEX hnsw_partition_cosine_idx ATTACH PARTITION hnsw_partition_2_cosine_idx;
ALTER INDEX hnsw_partition_cosine_idx ATTACH PARTITION hnsw_partition_3_cosine_idx;
ALTER INDEX hnsw_partition_cosine_idx ATTACH PARTITION hnsw_partition_4_cosine_idx;
ALTER INDEX hnsw_partition_cosine_idx ATTACH PARTITION hnsw_partition_5_cosine_idx;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'hnsw_partition_cosine_idx'::regclass;
ALTER INDEX hnsw_partition_cosine_idx ATTACH PARTITION hnsw_partition_1_v_idx;
SELECT * FROM check_search('hnsw_partition', '<=>');

-- Detached, it goes on by itself
ALTER TABLE hnsw_partition DETACH PARTITION hnsw_partition_2;
INSERT INTO hnsw_partition_2 SELECT i, test_vector(i, 4) FROM generate_series(1, 50) i;
SELECT * FROM check_search('hnsw_partition_2', '<->');
SELECT * FROM check_search('hnsw_partition', '<->');
TRUNCATE hnsw_partition_1;
REINDEX TABLE hnsw_partition;
SELECT * FROM check_search('hnsw_partition', '<->');
SELECT relname, c.* FROM pg_class JOIN pg_am a ON a.oid = relam, hnsw_check(pg_class.oid, true) c
WHERE relname LIKE 'hnsw\_partition\_%' AND relkind = 'i' AND amname = 'hnsw';

-- What cannot be built on one partition is built on none
CREATE TABLE hnsw_partition_list (id int, v vector) PARTITION BY LIST (id);
CREATE TABLE hnsw_partition_list_1 PARTITION OF hnsw_partition_list FOR VALUES IN (1);
CREATE INDEX ON hnsw_partition_list USING hnsw (v vector_l2_ops);
CREATE INDEX ON hnsw_partition_list USING hnsw ((v::vector(3)) vector_l2_ops);
INSERT INTO hnsw_partition_list VALUES (1, '[1,2,3]');
INSERT INTO hnsw_partition_list VALUES (1, '[1,2]');
SELECT tablename, indexname FROM pg_indexes WHERE tablename LIKE 'hnsw\_partition\_list%' ORDER BY tablename COLLATE "C";
DROP TABLE hnsw_partition_list;
-- The dimensions of an index on all partitions cannot be dropped
CREATE TABLE hnsw_partition_list (id int, v vector(3)) PARTITION BY LIST (id);
CREATE INDEX ON hnsw_partition_list USING hnsw (v vector_l2_ops);
ALTER TABLE hnsw_partition_list ALTER v TYPE vector;
CREATE TABLE hnsw_partition_list_1 PARTITION OF hnsw_partition_list FOR VALUES IN (1);
INSERT INTO hnsw_partition_list VALUES (1, '[1,2,3]');
ALTER TABLE hnsw_partition_list ALTER v TYPE vector;
ALTER TABLE hnsw_partition_list ALTER v TYPE vector(2) USING '[1,2]'::vector(2);
INSERT INTO hnsw_partition_list VALUES (1, '[1,3]');
SELECT tablename, indexname FROM pg_indexes WHERE tablename LIKE 'hnsw\_partition\_list%' ORDER BY tablename COLLATE "C";
SELECT * FROM hnsw_check('hnsw_partition_list_1_v_idx', true);
DROP TABLE hnsw_partition_list;
DROP TABLE hnsw_partition, hnsw_partition_2;

-- Inherited tables
CREATE TABLE hnsw_inherit (id int, v vector(2));
CREATE TABLE hnsw_inherit_child () INHERITS (hnsw_inherit);
INSERT INTO hnsw_inherit SELECT i, test_vector(i, 2) FROM generate_series(1, 100) i;
INSERT INTO hnsw_inherit_child SELECT i, test_vector(i, 2) FROM generate_series(101, 200) i;
CREATE INDEX hnsw_inherit_idx ON hnsw_inherit USING hnsw (v vector_l2_ops);
CREATE INDEX hnsw_inherit_child_idx ON hnsw_inherit_child USING hnsw (v vector_l2_ops);
SELECT * FROM check_search('hnsw_inherit', '<->');
DROP TABLE hnsw_inherit CASCADE;
