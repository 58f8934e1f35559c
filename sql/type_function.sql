-- Functions and operators that look at a vector or make another one.

SELECT vector_dims('[1,2,3]'::vector);
SELECT vector_norm('[3,4]'), vector_norm('[0,0]') AS zero, vector_norm('[-2]') AS one,
       vector_norm('[3e37,4e37]')::real AS large, vector_norm('[3e-30,4e-30]')::real AS small;
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[0,0.1]'::vector) AS one,
       l2_normalize('[0,0]'::vector) AS zero, l2_normalize('[3e38,-3e38]'::vector) AS large,
       l2_normalize('[1e-45]'::vector) AS small;

SELECT '[1,2,3]'::vector + '[4,5,6]' AS sum, '[1,2,3]'::vector - '[4,5,6]' AS difference,
       '[1,2,3]'::vector * '[4,5,6]' AS product, '[1,2,3]'::vector || '[4,5]' AS concatenation;
SELECT '[0,1e-30]'::vector * '[1e-37,0]' AS zeros, '[1e-20]'::vector * '[1e-20]' AS tiny;
SELECT '[3e38]'::vector + '[3e38]';
SELECT '[-3e38]'::vector - '[3e38]';
SELECT '[1,1e37]'::vector * '[1,1e37]';
SELECT '[1,1e-37]'::vector * '[1,1e-37]';
SELECT '[1,2]'::vector + '[3]';
SELECT '[1,2]'::vector - '[3]';
SELECT '[1,2]'::vector * '[3]';
SELECT vector_dims(array_fill(0, ARRAY[9000])::vector || array_fill(0, ARRAY[7000])::vector);
SELECT array_fill(0, ARRAY[9000])::vector || array_fill(0, ARRAY[7001])::vector;

SELECT start, length, subvector('[1,2,3,4,5]'::vector, start, length)
FROM (VALUES (1, 3), (3, 2), (3, 9), (-1, 3), (5, 1), (3, 2147483647), (-2147483644, 2147483647)) _ (start, length);
SELECT subvector('[1,2,3,4,5]'::vector, 1, 0);
SELECT subvector('[1,2,3,4,5]'::vector, 3, -1);
SELECT subvector('[1,2,3,4,5]'::vector, -1, 2);
SELECT subvector('[1,2,3,4,5]'::vector, 6, 1);
SELECT subvector('[1,2,3,4,5]'::vector, 2147483647, 2147483647);
SELECT subvector('[1,2,3,4,5]'::vector, -2147483648, -2147483648);

SELECT binary_quantize('[1,0,-1]'::vector) AS three, binary_quantize('[1e-45,-0]'::vector) AS tiny,
       binary_quantize('[1,2,3,-4,5,6,-7,8,1,-2,-3,4,5,-6,7,8,-1,2,3]'::vector) AS nineteen;
SELECT length(binary_quantize(array_fill(1, ARRAY[16000])::vector));

-- Signatures: all of them immutable, strict and parallel safe
SELECT DISTINCT provolatile, proisstrict, proparallel
FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE lanname = 'c' AND probin LIKE '%hnswpg%'
  AND ('vector'::regtype = ANY (proargtypes) OR 'vector'::regtype = prorettype);
