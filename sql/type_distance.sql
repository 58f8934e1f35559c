-- Distances and their operators.

SELECT l2_distance('[0,0]'::vector, '[3,4]'), '[0,0]'::vector <-> '[3,4]' AS op,
       vector_l2_squared_distance('[0,0]', '[3,4]');
SELECT inner_product('[1,2]'::vector, '[3,4]'), '[1,2]'::vector <#> '[3,4]' AS op,
       vector_negative_inner_product('[1,2]', '[3,4]');
SELECT l1_distance('[0,0]'::vector, '[3,-4]'), '[0,0]'::vector <+> '[3,-4]' AS op;
SELECT cosine_distance('[1,0]'::vector, '[0,2]'), '[1,1]'::vector <=> '[-1,-1]' AS op;
SELECT vector_spherical_distance('[1,0]', '[1,0]') AS same,
       vector_spherical_distance('[1,0]', '[0,1]') AS quarter,
       vector_spherical_distance('[1,0]', '[-1,0]') AS half,
       vector_spherical_distance('[2,0]', '[2,0]') AS not_units;

-- Every length up to two of the longest registers and some beyond: no element
-- is forgotten or counted twice. Small integers, so the sums are exact
WITH pairs AS (
  SELECT n, (SELECT array_agg(i) FROM generate_series(1, n) i)::vector AS a,
         (SELECT array_agg(i % 3) FROM generate_series(1, n) i)::vector AS b,
         (SELECT sum(i * (i % 3)) FROM generate_series(1, n) i) AS dot,
         (SELECT sum(abs(i - i % 3)) FROM generate_series(1, n) i) AS l1,
         (SELECT sum((i - i % 3) ^ 2) FROM generate_series(1, n) i) AS l2
  FROM generate_series(1, 140) n
)
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE inner_product(a, b) = dot) AS dot,
       count(*) FILTER (WHERE l1_distance(a, b) = l1) AS l1,
       count(*) FILTER (WHERE vector_l2_squared_distance(a, b) = l2) AS l2,
       count(*) FILTER (WHERE abs(l2_distance(a, b) - sqrt(l2)) < 1e-9 * sqrt(l2) + 1e-12) AS root,
       count(*) FILTER (WHERE a <=> b BETWEEN 0 AND 1 AND abs(a <=> a) < 1e-6) AS cosine
FROM pairs;

-- The cosine distance is exact where it can be, and stays in range where rounding
-- would carry it out
SELECT '[1,2]'::vector <=> '[2,4]' AS parallel, '[1,2]'::vector <=> '[-2,-4]' AS opposite;
SELECT count(*) AS vectors, min(v <=> v) >= 0 AS not_below_0, max(v <=> v) < 1e-6 AS same,
       max(v <=> (v * '[-3,-3,-3]')) <= 2 AS not_above_2,
       min(v <=> (v * '[-3,-3,-3]')) > 1.999999 AS opposite
FROM (SELECT ARRAY[i / 7.0, 1.1, i / 11.0]::vector AS v FROM generate_series(1, 1000) i) _;
SELECT '[1,2]'::vector <=> '[0,0]' AS zero, '[0]'::vector <=> '[0]' AS zeros,
       '[3e38]'::vector <=> '[3e38]' AS overflow;

-- Overflow is infinity
SELECT '[3e38]'::vector <-> '[-3e38]' AS l2, '[3e38]'::vector <#> '[3e38]' AS ip,
       '[3e38,3e38]'::vector <+> '[-3e38,0]' AS l1;

-- NULL
SELECT '[1]'::vector <-> NULL AS l2, NULL::vector <=> '[1]' AS cosine, l1_distance('[1]'::vector, NULL) AS l1;

-- Different dimensions
SELECT '[1,2]'::vector <-> '[3]';
SELECT '[1,2]'::vector <#> '[3]';
SELECT '[1,2]'::vector <=> '[3]';
SELECT '[1]'::vector <+> '[2,3,4]';
SELECT vector_l2_squared_distance('[1,2]', '[3]');
SELECT vector_spherical_distance('[1,2]', '[3]');
\set VERBOSITY sqlstate
SELECT '[1,2]'::vector <-> '[3]';
\set VERBOSITY default

-- As a query uses them
CREATE TEMP TABLE t (id int, v vector(3));
INSERT INTO t VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL), (5, '[3,2,-1]');
SELECT id, v <-> '[3,3,3]' AS distance FROM t ORDER BY v <-> '[3,3,3]';
SELECT id FROM t ORDER BY v <=> '[3,2,-2]' LIMIT 2;
SELECT id FROM t WHERE v <+> '[1,1,1]' < 3.5 ORDER BY id;
SELECT id FROM t ORDER BY v <-> '[3,3]';
