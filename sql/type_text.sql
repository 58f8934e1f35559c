-- Text input and output of type vector, and its type modifier.

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

-- What reads, and how it is written
SELECT literal, literal::vector AS vector
FROM unnest(ARRAY[
  '[1,2,3]', '[-1,-2,-3]', '[+1,+2.5]', '[1.,.5,00.25]', '[0,-0,0.0]',
  ' [ 1,  2 ,    3  ] ', E'\t[\n1\r,\x0b2\f]\n', '[1]', '[1.23456]',
  '[1.5e38,-1.5e38]', '[1.5e+38,1.5e-38]', '[1E3]',
  '[0.1,0.2,0.30000001]', '[16777217,16777219]', '[123456789]', '[1e-5,0.0001]',
  '[3.4028234663852886e38]', '[3.4028235677973362e38]', '[1.17549435e-38]',
  '[1e-40,-1e-45]', '[1.4e-45,7.1e-46,7e-46]', '[1e-46,-1e-46,1e-999999999999]',
  '[0e999999999999]', '[0x10,0X1.8p-1,-0xap+2,0x.8]', '[0x1p-200,0x0p999999]'
]) literal;

-- Exact rounding: the middle between two floats goes to the even one, what is
-- a little above it goes up, however long the text
SELECT '[1.00000005960464477539062500]'::vector AS even,
       '[1.000000059604644775390625000000000000000000000000000000000000001]'::vector AS above;

-- Every float reads back as itself
CREATE TEMP TABLE bits AS
  SELECT (random() * 4294967295)::bigint - 2147483648 AS b FROM generate_series(1, 3000);
-- (built from an exponent and a significand, since SQL cannot look into floats)
CREATE TEMP TABLE floats AS
  SELECT ((b % 8388608)::float8 * power(2::float8, (abs(b) / 8388608) % 250 - 148))::float4 AS f
  FROM bits;
SELECT count(*) AS differences FROM floats
WHERE ('[' || f::text || ']')::vector::real[] <> ARRAY[f]
   OR (ARRAY[f]::vector)::text <> '[' || f::text || ']';

-- What does not read
SELECT left(literal, 30) AS literal, pg_temp.error_of(format('SELECT %L::vector', literal)) AS error
FROM unnest(ARRAY[
  '', '   ', '1,2,3', '{1,2,3}', '(1,2)', '[', '[ ', '[,', '[1', '[1,', '[1,2,3', '[,]', '[1,]',
  '[,1]', '[1,,3]', '[1, ,3]', '[1 2]', '[1;2]', '[1]]', '[[1]]', '[1,2,3]9', '[1] [2]',
  '[hello,1]', '[1a]', '[1.2.3]', '[1e]', '[1e+]', '[.]', '[-]', '[+-1]', '[--1]', '[-+1]', '[0x]',
  '[0xg]', '[1_000]', '[1,0]' || chr(8211) || '[2]', '[' || chr(8364) || chr(8364) || ']', '[null]'
]) literal;
SELECT left(literal, 30) AS literal, pg_temp.error_of(format('SELECT %L::vector', literal)) AS error
FROM unnest(ARRAY[
  '[]', ' [ ] ', '[NaN,1]', '[1,nan]', '[1,-NaN]', '[Infinity,1]', '[-Infinity,1]', '[1,2,inf]',
  '[4e38,1]', '[1,-4e38]', '[3.4028235677973367e38]', '[1e999999999999999999999]', '[0x1p128]',
  '[1,' || repeat('9', 200) || ']'
]) literal;
-- A long literal is not repeated whole
SELECT pg_temp.error_of(format('SELECT %L::vector',
         '[' || repeat('1.5,', 1000) || 'oops' || repeat(',2.5', 1000) || ']'));
SELECT pg_temp.error_of(format('SELECT %L::vector', '[' || repeat(chr(8364), 1000) || ']'));

-- From 1 to 16000 dimensions
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::vector);
SELECT pg_temp.error_of(format('SELECT %L::vector', '[' || repeat('1,', 16000) || '1]'));

-- Type modifier
SELECT '[1,2,3]'::vector(3);
SELECT '[1,2,3]'::vector(2);
SELECT '[1,2,3]'::vector(4);
SELECT unnest('{"[1,2,3]", "[4,5,6]"}'::vector[]);
SELECT '{"[1,2,3]"}'::vector(2)[];
SELECT modifier, pg_temp.error_of(format('SELECT ''[1,2,3]''::vector(%s)', modifier)) AS error
FROM unnest(ARRAY['3', '3, 2', '''a''', '0', '16000', '16001', '-1', '4294967296']) modifier;
CREATE TEMP TABLE t (v vector(3), any_v vector);
SELECT attname, format_type(atttypid, atttypmod), attstorage
FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO t VALUES ('[1,2,3]', '[1,2]'), (NULL, '[1]');
INSERT INTO t VALUES ('[1,2]');
INSERT INTO t SELECT any_v FROM t;
UPDATE t SET v = any_v;
ALTER TABLE t ALTER any_v TYPE vector(2);
SELECT * FROM t;

-- Errors that the caller wants saved, where the server can do that
DO $$
DECLARE valid bool[];
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE $q$SELECT array_agg(pg_input_is_valid(literal, 'vector(2)') ORDER BY i)
      FROM unnest(ARRAY['[1,2]', '[1,x]', '[]', '[1,2,3]', '[1,NaN]', '[1,4e38]', '[1,2'])
        WITH ORDINALITY AS l (literal, i)$q$ INTO valid;
    ASSERT valid = ARRAY[true, false, false, false, false, false, false], valid::text;
  END IF;
END
$$;
