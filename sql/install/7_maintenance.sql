-- ---------------------------------------------------------------------------
-- Checking an index
-- ---------------------------------------------------------------------------

CREATE FUNCTION hnsw_check(
    index regclass, heapcheck boolean DEFAULT false,
    OUT block bigint, OUT element bigint, OUT violation text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION hnsw_check(regclass, boolean) IS
  'every violated invariant of an hnsw index; no rows: it is sound; heapcheck: also that every row is in it';

-- It reads a whole index, and lets insertions into it wait meanwhile: for
-- superusers, and for those to whom EXECUTE is granted. It asks for no other
-- privilege, as the functions of amcheck do.
REVOKE ALL ON FUNCTION hnsw_check(regclass, boolean) FROM PUBLIC;

-- ---------------------------------------------------------------------------
-- Maintenance
-- ---------------------------------------------------------------------------

-- Who may maintain the table may call these; they look themselves.

CREATE FUNCTION hnsw_sync(index regclass, rebuild boolean DEFAULT false) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION hnsw_sync(regclass, boolean) IS
  'links the pending elements of an hnsw index, or of a partitioned one, into its graph; rebuild: builds the graph anew from the table while reads go on; returns how many elements were linked';

CREATE FUNCTION hnsw_cleanup(index regclass) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION hnsw_cleanup(regclass) IS
  'takes the dead elements of an hnsw index, or of a partitioned one, out of its graph; returns how many slots were freed';

CREATE FUNCTION hnsw_status(
    index regclass, skip_unreadable boolean DEFAULT false,
    OUT index regclass, OUT table_rows bigint,
    OUT elements bigint, OUT pending bigint, OUT dead bigint, OUT free bigint,
    OUT duplicates bigint, OUT levels integer, OUT entry_point bigint,
    OUT last_sync timestamp with time zone,
    OUT graph_bytes bigint, OUT vector_bytes bigint, OUT total_bytes bigint,
    OUT quantization text, OUT automatic boolean, OUT exact_elements bigint,
    OUT code_book integer)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION hnsw_status(regclass, boolean) IS
  'what an hnsw index holds; a row for each partition of a partitioned index that can be read; skip_unreadable: no row, instead of an error, for an index that is gone or cannot be read, and a warning and NULLs for a damaged one';

-- MATERIALIZED: hnsw_status is to be asked about hnsw indexes only.
CREATE VIEW hnsw_indexes AS
  WITH ours AS MATERIALIZED (
    SELECT n.nspname AS schema_name, t.relname AS table_name, i.relname AS index_name, i.oid
      FROM pg_catalog.pg_proc AS hnsw
      JOIN pg_catalog.pg_proc AS h ON h.probin = hnsw.probin
      JOIN pg_catalog.pg_am AS a ON a.amhandler = h.oid
      JOIN pg_catalog.pg_class AS i ON i.relam = a.oid AND i.relkind = 'i'
      JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
      JOIN pg_catalog.pg_index AS x ON x.indexrelid = i.oid
      JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
     WHERE hnsw.oid = 'hnswhandler(internal)'::pg_catalog.regprocedure
  )
  SELECT o.schema_name, o.table_name, o.index_name, s.*
    FROM ours AS o CROSS JOIN LATERAL hnsw_status(o.oid, true) AS s;
COMMENT ON VIEW hnsw_indexes IS
  'status of every hnsw index of the database that can be read (of a damaged one NULLs, and a warning): not those that are invalid, another session''s temporary ones, and on a standby unlogged ones';
COMMENT ON COLUMN hnsw_indexes.schema_name IS 'schema of table and index';
COMMENT ON COLUMN hnsw_indexes.table_name IS 'table';
COMMENT ON COLUMN hnsw_indexes.index_name IS 'index';
COMMENT ON COLUMN hnsw_indexes.index IS 'index, as the functions take it';
COMMENT ON COLUMN hnsw_indexes.table_rows IS 'rows of the table, estimated from its size now and the rows a page that VACUUM or ANALYZE have found last; NULL: they have not counted them yet';
COMMENT ON COLUMN hnsw_indexes.elements IS 'elements that the graph has and searches may return';
COMMENT ON COLUMN hnsw_indexes.pending IS 'elements not yet linked; searches look at each of them';
COMMENT ON COLUMN hnsw_indexes.dead IS 'elements without a row that still lead searches on';
COMMENT ON COLUMN hnsw_indexes.free IS 'slots that new elements may take';
COMMENT ON COLUMN hnsw_indexes.duplicates IS 'rows beyond the first of each element: of equal vectors';
COMMENT ON COLUMN hnsw_indexes.levels IS 'levels of the graph; 0: it is empty';
COMMENT ON COLUMN hnsw_indexes.entry_point IS 'element at which searches begin; NULL: the graph is empty';
COMMENT ON COLUMN hnsw_indexes.last_sync IS 'when an element was linked last; NULL: never';
COMMENT ON COLUMN hnsw_indexes.graph_bytes IS 'bytes of the pages that hold the graph, with the codes by which it is walked';
COMMENT ON COLUMN hnsw_indexes.vector_bytes IS 'bytes of the pages that hold the exact vectors; 0 with quantization = none, which has them in the graph';
COMMENT ON COLUMN hnsw_indexes.total_bytes IS 'bytes of the index';
COMMENT ON COLUMN hnsw_indexes.quantization IS 'what the graph is walked by: int8, codes of one byte a dimension; none, the vectors';
COMMENT ON COLUMN hnsw_indexes.automatic IS 'whether the index has chosen the quantization for its data';
COMMENT ON COLUMN hnsw_indexes.exact_elements IS 'elements that searches measure by their vectors, since their codes do not tell them from their neighbours; all of them without codes';
COMMENT ON COLUMN hnsw_indexes.code_book IS 'what codes are relative to: 0 none, 1 the origin, 2 and more a centre that was learnt, counted';

-- As the statistics views of the server, which tell as much.
GRANT SELECT ON hnsw_indexes TO PUBLIC;
