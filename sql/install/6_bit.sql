-- The operator classes of bit.

CREATE FUNCTION hnsw_bit_hamming_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION hnsw_bit_jaccard_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING hnsw AS
  OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
  FUNCTION 1 (bit) hnsw_bit_hamming_support(internal);

CREATE OPERATOR CLASS bit_jaccard_ops FOR TYPE bit USING hnsw AS
  OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
  FUNCTION 1 (bit) hnsw_bit_jaccard_support(internal);
