-- CREATE INDEX ... WITH, and the settings of a session.
CREATE TABLE hnsw_options (id int, v vector(3));
INSERT INTO hnsw_options SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 100) i;

-- The limits themselves are allowed
CREATE INDEX hnsw_options_low_idx ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
CREATE INDEX hnsw_options_high_idx ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
CREATE INDEX hnsw_options_twice_idx ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 40, ef_construction = 80);
CREATE INDEX hnsw_options_none_idx ON hnsw_options USING hnsw (v vector_ip_ops) WITH (quantization = none);
CREATE INDEX hnsw_options_int8_idx ON hnsw_options USING hnsw (v vector_cosine_ops) WITH (quantization = 'INT8');
CREATE INDEX hnsw_options_l1_idx ON hnsw_options USING hnsw (v vector_l1_ops) WITH (quantization = none);
CREATE INDEX hnsw_options_default_idx ON hnsw_options USING hnsw (v vector_l2_ops);
SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'hnsw\_options\_%' ORDER BY relname;
SELECT relname, c.* FROM pg_class, hnsw_check(oid, true) c WHERE relname LIKE 'hnsw\_options\_%' AND relkind = 'i';

-- Out of range
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 1);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 101);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (ef_construction = 3);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (ef_construction = 1001);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 31);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = 33);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (ef_construction = 31);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (m = many);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (quantization = int4);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (quantization = '');
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (lists = 100);
CREATE INDEX ON hnsw_options USING hnsw (v vector_l2_ops) WITH (fillfactor = 50);
-- L1 has no codes
CREATE INDEX ON hnsw_options USING hnsw (v vector_l1_ops) WITH (quantization = int8);
SELECT count(*) FROM pg_indexes WHERE tablename = 'hnsw_options';

-- Changed options are for the next build
ALTER INDEX hnsw_options_default_idx SET (m = 8);
INSERT INTO hnsw_options VALUES (101, '[1,2,3]');
SELECT * FROM hnsw_check('hnsw_options_default_idx', true);
REINDEX INDEX hnsw_options_default_idx;
SELECT * FROM hnsw_check('hnsw_options_default_idx', true);
ALTER INDEX hnsw_options_default_idx SET (m = 64);
ALTER INDEX hnsw_options_default_idx SET (m = 64, ef_construction = 128);
ALTER INDEX hnsw_options_default_idx SET (quantization = none);
REINDEX INDEX hnsw_options_default_idx;
SELECT * FROM hnsw_check('hnsw_options_default_idx', true);
ALTER INDEX hnsw_options_default_idx RESET (ef_construction);
ALTER INDEX hnsw_options_default_idx RESET (m, ef_construction, quantization);
ALTER INDEX hnsw_options_default_idx SET (lists = 1);
ALTER INDEX hnsw_options_l1_idx SET (quantization = int8);
REINDEX INDEX hnsw_options_l1_idx;
ALTER INDEX hnsw_options_l1_idx RESET (quantization);
REINDEX INDEX hnsw_options_l1_idx;
SELECT relname, reloptions FROM pg_class WHERE relname IN ('hnsw_options_default_idx', 'hnsw_options_l1_idx') ORDER BY 1;
SELECT * FROM hnsw_check('hnsw_options_l1_idx', true);
DROP TABLE hnsw_options;

-- Settings
SHOW hnsw.ef_search;
SET hnsw.ef_search = 1;
SET hnsw.ef_search = 100000;
SHOW hnsw.ef_search;
SET hnsw.ef_search = 0;
SET hnsw.ef_search = 100001;
SET hnsw.ef_search = 'many';
RESET hnsw.ef_search;
SHOW hnsw.iterative_scan;
SET hnsw.iterative_scan = off;
SET hnsw.iterative_scan = relaxed_order;
SET hnsw.iterative_scan = strict_order;
SHOW hnsw.iterative_scan;
SET hnsw.iterative_scan = on;
RESET hnsw.iterative_scan;
SHOW hnsw.max_scan_tuples;
SET hnsw.max_scan_tuples = 1;
SET hnsw.max_scan_tuples = 2147483647;
SET hnsw.max_scan_tuples = 0;
SET hnsw.max_scan_tuples = -1;
RESET hnsw.max_scan_tuples;
SELECT name, boot_val, vartype, context, min_val, max_val, enumvals FROM pg_settings WHERE name LIKE 'hnsw.%' ORDER BY name;
