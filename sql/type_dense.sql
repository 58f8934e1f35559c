-- What vector and halfvec have in common: one list of statements, run for each; T stands for the
-- type. What is special to a type is in its own files.
\set VERBOSITY default
CREATE TABLE types (type text);
INSERT INTO types VALUES ('vector'), ('halfvec');
CREATE TABLE statements (id serial, sql text);
INSERT INTO statements (sql) VALUES
  -- in and out
  ($$SELECT '[1,2.5,-3e-1]'::T$$), ($$SELECT ' [ 1 , +2 , 0x1p-1 ] '::T$$),
  ($$SELECT '[1,2,3]'::T(3)$$), ($$SELECT '[1,2]'::T(3)$$),
  ($$SELECT '[]'::T$$), ($$SELECT '[1,]'::T$$), ($$SELECT '[1'::T$$), ($$SELECT '1,2'::T$$),
  ($$SELECT '[1,nan]'::T$$), ($$SELECT '[infinity]'::T$$), ($$SELECT '[1e400]'::T$$),
  ($$SELECT '[1e-400]'::T$$), ($$SELECT '[1]x'::T$$), ($$SELECT '{1}'::T$$),
  ($$SELECT '[1]'::T(0)$$), ($$SELECT '[1]'::T(16001)$$),
  ($$SELECT ('[' || repeat('1,', 16000) || '1]')::T$$),
  ($$SELECT pg_column_size('[1,2,3]'::T)$$),
  -- one value
  ($$SELECT vector_dims('[1,2,3]'::T)$$), ($$SELECT l2_normalize('[3,4]'::T)$$),
  ($$SELECT l2_normalize('[0,0]'::T)$$), ($$SELECT binary_quantize('[1,0,-1,0.5]'::T)$$),
  ($$SELECT subvector('[1,2,3,4]'::T, 2, 2)$$), ($$SELECT subvector('[1,2]'::T, 3, 1)$$),
  -- two
  ($$SELECT '[1,2]'::T + '[3,4]', '[1,2]'::T - '[3,4]', '[1,2]'::T * '[3,4]', '[1,2]'::T || '[3]'$$),
  ($$SELECT '[1]'::T + '[1,2]'$$),
  ($$SELECT '[0,0]'::T <-> '[3,4]', '[1,2]'::T <#> '[3,4]', '[1,2]'::T <=> '[2,4]', '[1,2]'::T <+> '[3,5]'$$),
  ($$SELECT l2_distance('[0,0]'::T, '[3,4]'), inner_product('[1,2]'::T, '[3,4]'), cosine_distance('[1,0]'::T, '[0,1]'), l1_distance('[1,2]'::T, '[3,5]')$$),
  ($$SELECT T_l2_squared_distance('[0,0]', '[3,4]'), T_negative_inner_product('[1,2]', '[3,4]'), T_spherical_distance('[1,0]', '[0,1]')$$),
  ($$SELECT '[0,0]'::T <=> '[1,1]'$$), ($$SELECT '[1,2]'::T <-> '[3]'$$), ($$SELECT '[1]'::T <-> NULL$$),
  ($$SELECT '[1,2]'::T < '[1,3]', '[1,2]'::T <= '[1,2]', '[1,2]'::T = '[1,2]', '[1]'::T <> '[1,0]', '[2]'::T >= '[1,9]', '[2]'::T > '[2,0]', T_cmp('[1]', '[2]')$$),
  -- many
  ($$SELECT avg(v::T), sum(v::T) FROM (VALUES ('[1,2]'), ('[3,5]'), (NULL)) x (v)$$),
  ($$SELECT avg(v), sum(v) FROM (SELECT NULL::T) x (v)$$),
  ($$SELECT avg(v::T) FROM (VALUES ('[1,2]'), ('[3]')) x (v)$$),
  ($$SELECT T_avg(T_combine(T_accum('{0}', '[1,2]'), T_accum('{0}', '[3,4]'))), T_avg('{0}')$$),
  ($$SELECT T_accum('{}', '[1]')$$), ($$SELECT T_avg(array[1, 2, NULL]::float8[])$$),
  ($$SELECT array_agg(v ORDER BY v) FROM (VALUES ('[2]'::T), ('[1,5]'), ('[1]')) x (v)$$),
  ($$SELECT count(*) FROM (VALUES ('[1]'::T), ('[1]'), ('[-0]'), ('[0]')) x (v) GROUP BY v$$),
  -- casts
  ($$SELECT ARRAY[1,2]::T, ARRAY[1.5,2]::real[]::T, ARRAY[1.5,2]::float8[]::T, ARRAY[1.5,2]::numeric[]::T$$),
  ($$SELECT '[1,2.5]'::T::real[], '[1,2.5]'::T::float8[], '[1,2.5]'::T::integer[], '[1,2.5]'::T::numeric[]$$),
  ($$SELECT ARRAY[1,NULL]::real[]::T$$), ($$SELECT ARRAY[[1],[2]]::real[]::T$$), ($$SELECT '{}'::real[]::T$$),
  ($$SELECT ARRAY[1e39]::float8[]::T$$), ($$SELECT ARRAY['nan']::real[]::T$$), ($$SELECT ARRAY[1,2]::real[]::T(3)$$),
  ($$SELECT '[1,2]'::vector::T, '[1,2]'::halfvec::T, '[1,2]'::halfvec::T(3)$$),
  -- binary
  ($$SELECT T_send('[1,-2]')$$),
  -- tables, indexes
  ($$CREATE TABLE of_T (id serial, v T(3)); INSERT INTO of_T (v) SELECT ARRAY[i, i % 7, 1]::T FROM generate_series(1, 200) i; CREATE INDEX ON of_T USING btree (v)$$),
  ($$INSERT INTO of_T (v) VALUES ('[1,2]')$$), ($$SELECT id FROM of_T WHERE v = '[5,5,1]'$$),
  ($$CREATE INDEX of_T_l2 ON of_T USING hnsw (v T_l2_ops); CREATE INDEX of_T_ip ON of_T USING hnsw (v T_ip_ops);
     CREATE INDEX of_T_cosine ON of_T USING hnsw (v T_cosine_ops) WITH (quantization = int8); CREATE INDEX of_T_l1 ON of_T USING hnsw (v T_l1_ops)$$),
  ($$EXPLAIN (costs off) SELECT id FROM of_T ORDER BY v <-> '[5.25,5.125,1]' LIMIT 3$$),
  ($$SELECT id FROM of_T ORDER BY v <-> '[5.25,5.125,1]' LIMIT 3$$), ($$SELECT id FROM of_T ORDER BY v <#> '[1,1,1]' LIMIT 3$$),
  ($$SELECT id FROM of_T ORDER BY v <=> '[5.25,5.125,1]' LIMIT 2$$), ($$SELECT id FROM of_T ORDER BY v <+> '[5.25,5.125,1]' LIMIT 3$$),
  ($$SELECT id FROM of_T ORDER BY v <-> '[1,2]' LIMIT 3$$),
  ($$INSERT INTO of_T (v) VALUES ('[500,1,1]'), (NULL), ('[0,0,0]'); DELETE FROM of_T WHERE id = 5; SELECT id FROM of_T ORDER BY v <-> '[500,0,0]' LIMIT 1$$),
  ($$SELECT hnsw_sync('of_T_l2'), hnsw_sync('of_T_cosine') >= 0$$),
  ($$SELECT id FROM of_T ORDER BY v <-> '[500,0,0]' LIMIT 1$$),
  ($$SELECT count(*) FROM (VALUES ('of_T_l2'), ('of_T_ip'), ('of_T_cosine'), ('of_T_l1')) x (i), hnsw_check(i::regclass, true)$$),
  ($$CREATE INDEX ON of_T USING hnsw ((v::T(4)) T_l2_ops)$$),
  ($$CREATE INDEX ON of_T USING hnsw (v T_l1_ops) WITH (quantization = int8)$$),
  ($$DROP TABLE of_T$$);

SET enable_seqscan = off;
SET enable_sort = off;
\set ECHO queries
SELECT regexp_replace(sql, '\yT\y|\yT(?=_)|(?<=_)T\y|(?<=_)T(?=_)', type, 'g') FROM types, statements ORDER BY type DESC, id \gexec
\set ECHO all
DROP TABLE types, statements;
