-- avg and sum.

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]'::vector, '[3,5,7]']) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, '[1,2,3]'::vector, NULL, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, NULL]::vector[]) v;
SELECT avg(v) FROM unnest(ARRAY['[1,2]'::vector, '[3]']) v;
SELECT sum(v) FROM unnest(ARRAY['[1,2]'::vector, '[3]']) v;
-- The average does not overflow where the sum does
SELECT avg(v) FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v;
SELECT sum(v) FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v;

-- Groups, windows and several at once: states do not get mixed up
CREATE TABLE type_aggregate (g int, v vector(3));
INSERT INTO type_aggregate SELECT i % 4, ARRAY[i % 10, i % 100, -i % 7]::vector FROM generate_series(1, 20000) i;
INSERT INTO type_aggregate VALUES (1, NULL), (5, NULL);
SELECT g, count(*), avg(v), sum(v), avg(v + '[1,1,1]') AS avg_plus FROM type_aggregate GROUP BY g ORDER BY g;
SELECT i, avg(ARRAY[i]::vector) OVER (ORDER BY i) AS running,
       sum(ARRAY[i]::vector) OVER (ORDER BY i ROWS 1 PRECEDING) AS pair
FROM generate_series(1, 5) i;

-- In parallel, and with workers that meet no rows
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM type_aggregate;
SELECT avg(v), sum(v) FROM type_aggregate WHERE g = 3;
SELECT avg(v), sum(v) FROM type_aggregate WHERE g = 5;
SELECT avg(v), sum(v) FROM type_aggregate WHERE g = 6;
-- In a given order: whoever meets both lengths first says so
SELECT avg(v ORDER BY vector_dims(v) DESC) FROM (SELECT v FROM type_aggregate UNION ALL SELECT '[1,2]') _;
DROP TABLE type_aggregate;

-- The functions behind avg, called by hand. They leave their arguments alone
SELECT vector_accum('{0}', '[1,2,3]');
SELECT vector_accum('{0,0,0,0}', '[1,2,3]');
SELECT state, vector_accum(state, '[10,20]'), state AS unchanged
FROM (VALUES ('{2,1.5,2.5}'::double precision[])) _ (state);
SELECT state, vector_combine(state, state), state AS unchanged
FROM (VALUES ('{2,1.5,2.5}'::double precision[])) _ (state);
SELECT vector_combine('{0}', '{0}'), vector_combine('{0}', '{1,2}') AS "right", vector_combine('{1,2}', '{0}') AS "left";
SELECT vector_avg('{4,2,-6}'), vector_avg('{0}') AS none;
SELECT vector_accum('{}', '[1,2,3]');
SELECT vector_accum('{{1,2}}', '[1]');
SELECT vector_accum('{1,NULL}', '[1]');
SELECT vector_accum('{0,0}', '[1,2,3]');
SELECT vector_accum('{1,1.7e308}', '[3e38]');
SELECT vector_accum('{1,Infinity}', '[1]');
SELECT vector_combine('{}', '{0}');
SELECT vector_combine('{0}', '{{3,4}}');
SELECT vector_combine('{1,2}', '{1,2,3}');
SELECT vector_combine('{1}', '{1}');
SELECT vector_combine('{1,1.7e308}', '{1,1.7e308}');
SELECT vector_avg('{1}');
SELECT vector_avg('{1,NaN}');
SELECT vector_avg('{1,1,1e300}');
SELECT vector_avg(array_agg(n)) FROM generate_series(1, 16002) n;
