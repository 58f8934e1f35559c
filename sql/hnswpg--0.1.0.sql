-- The extension's SQL objects.
--
-- The names, signatures, volatilities and cast levels of the type are
-- pgvector's, so that a client of the one works with the other.

\echo Use "CREATE EXTENSION hnswpg" to load this file. \quit

-- Not beside pgvector, nor twice under two names: an error that says so, before anything is
-- created.
CREATE FUNCTION hnswpg_check_alone() RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE C;
SELECT hnswpg_check_alone();
DROP FUNCTION hnswpg_check_alone();

-- ============================================================================
-- Type vector
-- ============================================================================

-- Input, output, type modifier

CREATE TYPE vector;

CREATE FUNCTION vector_in(cstring, oid, integer) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_out(vector) RETURNS cstring
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_recv(internal, oid, integer) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_send(vector) RETURNS bytea
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- Alignment is 4 bytes. Floats do not compress, so storage is external: a long
-- vector goes to the TOAST table as it is.
CREATE TYPE vector (
  INPUT = vector_in,
  OUTPUT = vector_out,
  TYPMOD_IN = vector_typmod_in,
  RECEIVE = vector_recv,
  SEND = vector_send,
  STORAGE = external
);
COMMENT ON TYPE vector IS 'vector of 1 to 16000 finite single-precision numbers';

-- Distances

CREATE FUNCTION l2_distance(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_distance(vector, vector) IS 'Euclidean distance';

CREATE FUNCTION inner_product(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION inner_product(vector, vector) IS 'inner product';

CREATE FUNCTION cosine_distance(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cosine_distance(vector, vector) IS 'cosine distance, 1 - cosine of the angle';

CREATE FUNCTION l1_distance(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l1_distance(vector, vector) IS 'taxicab distance';

CREATE FUNCTION vector_l2_squared_distance(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_l2_squared_distance(vector, vector) IS 'square of the Euclidean distance';

CREATE FUNCTION vector_negative_inner_product(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_negative_inner_product(vector, vector) IS 'inner product, negated so that nearer is smaller';

CREATE FUNCTION vector_spherical_distance(vector, vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_spherical_distance(vector, vector) IS 'angle between two unit vectors, as a share of half a turn';

-- One vector

CREATE FUNCTION vector_dims(vector) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(vector) IS 'number of dimensions';

CREATE FUNCTION vector_norm(vector) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_norm(vector) IS 'Euclidean norm';

CREATE FUNCTION l2_normalize(vector) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(vector) IS 'vector of the same direction and length 1';

CREATE FUNCTION binary_quantize(vector) RETURNS bit
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(vector) IS 'one bit for each element: whether it is above zero';

CREATE FUNCTION subvector(vector, integer, integer) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(vector, integer, integer) IS 'elements from a position, at most so many';

-- Arithmetic

CREATE FUNCTION vector_add(vector, vector) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_sub(vector, vector) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_mul(vector, vector) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_concat(vector, vector) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- Comparison

CREATE FUNCTION vector_lt(vector, vector) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_le(vector, vector) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_ne(vector, vector) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_ge(vector, vector) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_gt(vector, vector) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_cmp(vector, vector) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- Casts

CREATE FUNCTION vector(vector, integer, boolean) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION array_to_vector(integer[], integer, boolean) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION array_to_vector(real[], integer, boolean) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION array_to_vector(double precision[], integer, boolean) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION array_to_vector(numeric[], integer, boolean) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_to_float4(vector, integer, boolean) RETURNS real[]
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_to_float8(vector, integer, boolean) RETURNS double precision[]
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_to_int4(vector, integer, boolean) RETURNS integer[]
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_to_numeric(vector, integer, boolean) RETURNS numeric[]
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (vector AS vector)
  WITH FUNCTION vector(vector, integer, boolean) AS IMPLICIT;

CREATE CAST (integer[] AS vector)
  WITH FUNCTION array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (real[] AS vector)
  WITH FUNCTION array_to_vector(real[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (double precision[] AS vector)
  WITH FUNCTION array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (numeric[] AS vector)
  WITH FUNCTION array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (vector AS real[])
  WITH FUNCTION vector_to_float4(vector, integer, boolean) AS IMPLICIT;

-- pgvector has only the cast to real[]. These are for assignments and explicit
-- casts, so they change the meaning of no expression.

CREATE CAST (vector AS double precision[])
  WITH FUNCTION vector_to_float8(vector, integer, boolean) AS ASSIGNMENT;

CREATE CAST (vector AS integer[])
  WITH FUNCTION vector_to_int4(vector, integer, boolean) AS ASSIGNMENT;

CREATE CAST (vector AS numeric[])
  WITH FUNCTION vector_to_numeric(vector, integer, boolean) AS ASSIGNMENT;

-- Operators

CREATE OPERATOR <-> (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = l2_distance,
  COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (vector, vector) IS 'Euclidean distance';

CREATE OPERATOR <#> (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_negative_inner_product,
  COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (vector, vector) IS 'negative inner product';

CREATE OPERATOR <=> (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = cosine_distance,
  COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (vector, vector) IS 'cosine distance';

CREATE OPERATOR <+> (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = l1_distance,
  COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (vector, vector) IS 'taxicab distance';

CREATE OPERATOR + (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_add,
  COMMUTATOR = +
);
COMMENT ON OPERATOR + (vector, vector) IS 'add, element by element';

CREATE OPERATOR - (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_sub
);
COMMENT ON OPERATOR - (vector, vector) IS 'subtract, element by element';

CREATE OPERATOR * (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_mul,
  COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, vector) IS 'multiply, element by element';

CREATE OPERATOR || (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_concat
);
COMMENT ON OPERATOR || (vector, vector) IS 'concatenate';

CREATE OPERATOR < (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_lt,
  COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);

CREATE OPERATOR <= (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_le,
  COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);

CREATE OPERATOR = (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_eq,
  COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel
);

CREATE OPERATOR <> (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ne,
  COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);

CREATE OPERATOR >= (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ge,
  COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);

CREATE OPERATOR > (
  LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_gt,
  COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

-- The order of arrays, for ORDER BY, DISTINCT and btree indexes; it says nothing
-- about nearness.
CREATE OPERATOR CLASS vector_ops
  DEFAULT FOR TYPE vector USING btree AS
  OPERATOR 1 <,
  OPERATOR 2 <=,
  OPERATOR 3 =,
  OPERATOR 4 >=,
  OPERATOR 5 >,
  FUNCTION 1 vector_cmp(vector, vector);

-- Aggregates

CREATE FUNCTION vector_accum(double precision[], vector) RETURNS double precision[]
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_combine(double precision[], double precision[]) RETURNS double precision[]
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION vector_avg(double precision[]) RETURNS vector
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE avg(vector) (
  SFUNC = vector_accum,
  STYPE = double precision[],
  INITCOND = '{0}',
  FINALFUNC = vector_avg,
  COMBINEFUNC = vector_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(vector) IS 'the average, element by element';

CREATE AGGREGATE sum(vector) (
  SFUNC = vector_add,
  STYPE = vector,
  COMBINEFUNC = vector_add,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(vector) IS 'the sum, element by element';

-- ---------------------------------------------------------------------------
-- The access method hnsw
-- ---------------------------------------------------------------------------

CREATE FUNCTION hnswhandler(internal) RETURNS index_am_handler
  AS 'MODULE_PATHNAME' LANGUAGE C;

CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hnswhandler;
COMMENT ON ACCESS METHOD hnsw IS 'approximate nearest neighbours by an HNSW graph';

-- Support function 1 of an operator class says what the distance is.

CREATE FUNCTION hnsw_l2_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION hnsw_ip_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION hnsw_cosine_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION hnsw_l1_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE OPERATOR CLASS vector_l2_ops FOR TYPE vector USING hnsw AS
  OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
  FUNCTION 1 (vector) hnsw_l2_support(internal);

CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING hnsw AS
  OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
  FUNCTION 1 (vector) hnsw_ip_support(internal);

CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING hnsw AS
  OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
  FUNCTION 1 (vector) hnsw_cosine_support(internal);

CREATE OPERATOR CLASS vector_l1_ops FOR TYPE vector USING hnsw AS
  OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
  FUNCTION 1 (vector) hnsw_l1_support(internal);

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
