-- Casts between vectors and arrays.

-- What a statement fails with, in one line.
CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text; message text; detail text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                          detail = PG_EXCEPTION_DETAIL;
  RETURN state || ' ' || message || coalesce(' | ' || nullif(detail, ''), '');
END $$;

-- Their levels: i implicit, a assignment
SELECT castsource::regtype, casttarget::regtype, castcontext
FROM pg_cast WHERE 'vector'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text, casttarget::regtype::text;

-- To a vector
SELECT ARRAY[1,2,3]::vector;
SELECT ARRAY[1.0,2.5,-3.25]::vector;
SELECT ARRAY[1,2,3]::real[]::vector;
SELECT ARRAY[1,2,3]::double precision[]::vector;
SELECT '{1,2,3}'::numeric[]::vector(3);
SELECT '[5:7]={1,2,3}'::real[]::vector;
SELECT '{16777217,-2147483648,2147483647}'::integer[]::vector;
SELECT '{1e-46,-1e-46,0.1,3.4028235677973362e38}'::double precision[]::vector;
SELECT '{0.1,1e-30,12345678901234567890}'::numeric[]::vector;

SELECT source, pg_temp.error_of(format('SELECT %s', source)) AS error
FROM unnest(ARRAY[
  '''{1,2,3}''::real[]::vector(2)', '''{1,2,3}''::integer[]::vector(4)',
  '''{NULL}''::real[]::vector', '''{1,2,NULL,4,5,6,7,8,9,NULL}''::integer[]::vector',
  '''{1,NULL}''::double precision[]::vector', '''{1,NULL}''::numeric[]::vector',
  '''{1,NaN}''::real[]::vector', '''{NaN}''::double precision[]::vector',
  '''{1,NaN}''::numeric[]::vector', '''{Infinity}''::real[]::vector',
  '''{1,-Infinity}''::double precision[]::vector', '''{0,4e38}''::double precision[]::vector',
  '''{1e50}''::numeric[]::vector', '''{1e-50}''::numeric[]::vector', '''{}''::real[]::vector', '''{}''::numeric[]::vector',
  '''{{1,2},{3,4}}''::real[]::vector', '''{{{1}}}''::integer[]::vector',
  'array_fill(1, ARRAY[16001])::vector', 'array_to_vector(ARRAY[1,2], 3, true)',
  '''{a}''::text[]::vector'
]) source;
-- Nulls that were, and are no longer
SELECT array_remove(ARRAY[1,NULL,3], NULL)::vector;
SELECT vector_dims(array_fill(1, ARRAY[16000])::vector);

-- From a vector
SELECT '[1,2.5,-3]'::vector::real[];
SELECT '[0.1,2.5,-3]'::vector::double precision[];
SELECT '[0.1,2.5,-3]'::vector::numeric[];
SELECT '[0.5,1.5,2.4,-2.6]'::vector::integer[];
SELECT '[1,3e9]'::vector::integer[];

-- Implicit to real[] alone: functions of real[] take vectors
CREATE FUNCTION pg_temp.real_sum(real[]) RETURNS real LANGUAGE sql AS
  'SELECT sum(x) FROM unnest($1) x';
SELECT pg_temp.real_sum('[1,2,3]'::vector);

-- By assignment
CREATE TEMP TABLE t (v vector(3), r real[], d double precision[], i integer[], n numeric[]);
INSERT INTO t SELECT v, v, v, v, v FROM (SELECT '[1,2,3]'::vector AS v) _;
INSERT INTO t (v) SELECT ARRAY[4,5,6];
INSERT INTO t (v) SELECT ARRAY[4,5,6]::real[];
INSERT INTO t (v) SELECT ARRAY[4,5,6]::double precision[];
INSERT INTO t (v) SELECT ARRAY[4,5,6]::numeric[];
INSERT INTO t (v) SELECT ARRAY[4,5];
SELECT * FROM t;

-- The casts make no other expression ambiguous
SELECT ARRAY[1,2,3] = ARRAY[1,2,3] AS int, ARRAY[1.5] < ARRAY[2.5] AS num;
