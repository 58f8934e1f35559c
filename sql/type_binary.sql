-- The binary form of type vector, by COPY, and COPY in text.
--
-- Broken binary input is made by hand as bytea, whose binary form is the bytes
-- themselves, and then read as vector.
\getenv builddir PG_ABS_BUILDDIR
\cd :builddir

SELECT vector_send('[1,-2.5]');
SELECT vector_send('[0,-0,3.4028235e38,1e-45]');

CREATE TEMP TABLE sent (id int, v vector);
INSERT INTO sent VALUES (1, '[1,-2.5,3e-7]'), (2, NULL), (3, '[0]'), (4, array_fill(0.125, ARRAY[16000])::vector);
CREATE TEMP TABLE received (id int, v vector);
\copy sent to 'results/type_binary.data' (FORMAT binary)
\copy received from 'results/type_binary.data' (FORMAT binary)
SELECT count(*) AS same FROM sent s JOIN received r USING (id) WHERE s.v IS NOT DISTINCT FROM r.v;
TRUNCATE received;
\copy sent to 'results/type_binary.data'
\copy received from 'results/type_binary.data'
SELECT count(*) AS same FROM sent s JOIN received r USING (id) WHERE s.v IS NOT DISTINCT FROM r.v;
COPY (SELECT v FROM sent WHERE id < 4 ORDER BY id) TO stdout;
COPY received (v) FROM stdin;
[1,2]
[1,two]
\.

-- Good bytes, then every kind of bad ones
CREATE TEMP TABLE one (v vector);
CREATE TEMP TABLE three (v vector(3));
\copy (SELECT '\x00010000 3f800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
SELECT * FROM one;
\echo other dimensions than the column has
\copy three from 'results/type_binary.data' (FORMAT binary)
\echo nothing
\copy (SELECT '\x'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo half a header
\copy (SELECT '\x000100'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo no dimensions
\copy (SELECT '\x00000000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo too many dimensions
\copy (SELECT '\x3e810000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\xffff0000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo the reserved bytes are not zero
\copy (SELECT '\x00010001 3f800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo an element is missing
\copy (SELECT '\x00020000 3f800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo an element ends early
\copy (SELECT '\x00020000 3f800000 3f80'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo something is left over
\copy (SELECT '\x00010000 3f800000 00'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\echo NaN, infinity, minus infinity
\copy (SELECT '\x00020000 3f800000 7fc00001'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00020000 7f800000 3f800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00010000 ff800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)

-- Their codes
\set VERBOSITY sqlstate
\copy (SELECT '\x00'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00000000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x3e810000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00010001 3f800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00020000 3f800000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00010000 3f800000 00'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\copy (SELECT '\x00010000 7fc00000'::bytea) to 'results/type_binary.data' (FORMAT binary)
\copy one from 'results/type_binary.data' (FORMAT binary)
\set VERBOSITY default

-- None of them left a row
SELECT * FROM one;
SELECT * FROM three;
