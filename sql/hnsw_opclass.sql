-- The four operator classes, and what the catalogs say of the access method.
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/test/regress/functions.sql'
\i :functions

SELECT opcname, opcdefault, opcintype::regtype, amvalidate(c.oid)
FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE amname = 'hnsw' ORDER BY 1;
SELECT f.opfname, amopstrategy, amopopr::regoperator, amoppurpose, s.opfname AS sort_family
FROM pg_amop o JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am a ON a.oid = f.opfmethod
JOIN pg_opfamily s ON s.oid = amopsortfamily
WHERE amname = 'hnsw' ORDER BY 1;
SELECT opfname, amprocnum, amproc FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily
JOIN pg_am a ON a.oid = opfmethod WHERE amname = 'hnsw' ORDER BY 1;
SELECT amname, amhandler, amtype FROM pg_am WHERE amname = 'hnsw';
SELECT p, pg_indexam_has_property(oid, p)
FROM pg_am, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include']) p
WHERE amname = 'hnsw';

-- As the server's own tests ask: every function is the C function it says, none
-- is called with NULL for an argument it does not expect, and each operator's
-- function says what it does with parallel queries
SELECT proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND deptype = 'e'
JOIN pg_extension e ON e.oid = refobjid
WHERE extname = 'hnswpg' AND prokind = 'f' AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
  AND NOT (proisstrict OR 'internal'::regtype = ANY (proargtypes));
SELECT oprname FROM pg_operator o JOIN pg_proc p ON p.oid = oprcode
WHERE 'vector'::regtype IN (oprleft, oprright) AND (proparallel <> 's' OR provolatile <> 'i' OR oprresult <> prorettype);
SELECT castsource::regtype, casttarget::regtype FROM pg_cast LEFT JOIN pg_proc p ON p.oid = castfunc
WHERE 'vector'::regtype IN (castsource, casttarget) AND (castmethod <> 'f' OR proparallel <> 's' OR provolatile <> 'i');
-- Symmetric distances know it
SELECT oprname, oprcom::regoperator FROM pg_operator WHERE oprleft = 'vector'::regtype AND oprresult = 'float8'::regtype ORDER BY 1;

-- Support functions are for the server only
SELECT hnsw_l2_support('x');
SELECT hnswhandler('x');

-- There is no default: which distance is wanted must be said
CREATE TABLE hnsw_opclass (id int, v vector(6));
INSERT INTO hnsw_opclass SELECT i, test_vector(i, 6) FROM generate_series(1, 1200) i;
ANALYZE hnsw_opclass;
CREATE INDEX ON hnsw_opclass USING hnsw (v);
CREATE INDEX ON hnsw_opclass USING hnsw (v vector_ops);
CREATE INDEX ON hnsw_opclass USING hnsw (id vector_l2_ops);
CREATE INDEX ON hnsw_opclass USING hnsw (id);

-- Each takes its own operator and no other
CREATE FUNCTION search_all(opclass text, op text, quantization text, OUT built text, OUT inserted text, OUT scans text[], OUT problems bigint)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE INDEX hnsw_opclass_idx ON hnsw_opclass USING hnsw (v %I) WITH (quantization = %s)', opclass, quantization);
  SELECT c::text INTO built FROM check_search('hnsw_opclass', op) c;
  INSERT INTO hnsw_opclass SELECT i, test_vector(i, 6) FROM generate_series(1201, 1300) i;
  SELECT c::text INTO inserted FROM check_search('hnsw_opclass', op) c;
  scans := array(SELECT o || ' ' || scans_of(format($q$SELECT id FROM hnsw_opclass ORDER BY v %s '[1,2,3,4,5,6]' LIMIT 5$q$, o))
                 FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) o);
  SELECT count(*) INTO problems FROM hnsw_check('hnsw_opclass_idx', true);
  DELETE FROM hnsw_opclass WHERE id > 1200;
  DROP INDEX hnsw_opclass_idx;
END $$;
\x
SELECT c.*, s.* FROM (VALUES ('vector_l2_ops', '<->', 'int8'), ('vector_ip_ops', '<#>', 'int8'), ('vector_cosine_ops', '<=>', 'int8'),
                             ('vector_l2_ops', '<->', 'none'), ('vector_ip_ops', '<#>', 'none'), ('vector_cosine_ops', '<=>', 'none'),
                             ('vector_l1_ops', '<+>', 'none'))
                     c (opclass, op, quantization), search_all(opclass, op, quantization) s;
\x
DROP FUNCTION search_all;

-- Four indexes beside each other: each query finds its own
CREATE INDEX hnsw_opclass_l2 ON hnsw_opclass USING hnsw (v vector_l2_ops);
CREATE INDEX hnsw_opclass_ip ON hnsw_opclass USING hnsw (v vector_ip_ops);
CREATE INDEX hnsw_opclass_cosine ON hnsw_opclass USING hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_opclass_l1 ON hnsw_opclass USING hnsw (v vector_l1_ops);
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY v <#> '[1,2,3,4,5,6]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY v <=> '[1,2,3,4,5,6]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY v <+> '[1,2,3,4,5,6]' LIMIT 5;
-- From the other side, since distances are symmetric
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY '[1,2,3,4,5,6]' <=> v LIMIT 5;
-- The functions are not the operators, and farthest first is not nearest first
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY l2_distance(v, '[1,2,3,4,5,6]') LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_opclass ORDER BY v <-> '[1,2,3,4,5,6]' DESC LIMIT 5;
DROP TABLE hnsw_opclass;

-- An operator class of one's own on the same support function
CREATE OPERATOR CLASS my_l2_ops FOR TYPE vector USING hnsw AS
  OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
  FUNCTION 1 (vector) hnsw_l2_support(internal);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'my_l2_ops';
DROP OPERATOR FAMILY my_l2_ops USING hnsw;
-- ... and one that lacks it
CREATE OPERATOR CLASS my_bad_ops FOR TYPE vector USING hnsw AS OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'my_bad_ops';
CREATE TABLE hnsw_opclass_bad (v vector(2));
CREATE INDEX ON hnsw_opclass_bad USING hnsw (v my_bad_ops);
DROP TABLE hnsw_opclass_bad;
DROP OPERATOR FAMILY my_bad_ops USING hnsw;
-- Other strategies and other support functions do not exist
CREATE OPERATOR CLASS my_bad_ops FOR TYPE vector USING hnsw AS OPERATOR 2 <-> (vector, vector) FOR ORDER BY float_ops;
CREATE OPERATOR CLASS my_bad_ops FOR TYPE vector USING hnsw AS FUNCTION 2 (vector) hnsw_l2_support(internal);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'my_bad_ops';
DROP OPERATOR FAMILY my_bad_ops USING hnsw;
-- Only distances can be ordered by
CREATE OPERATOR CLASS my_bad_ops FOR TYPE vector USING hnsw AS OPERATOR 1 < (vector, vector), FUNCTION 1 (vector) hnsw_l2_support(internal);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'my_bad_ops';
DROP OPERATOR FAMILY my_bad_ops USING hnsw;
CREATE OPERATOR CLASS my_bad_ops FOR TYPE vector USING hnsw AS OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
  FUNCTION 1 (vector) vector_dims(vector);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'my_bad_ops';
DROP OPERATOR FAMILY my_bad_ops USING hnsw;
