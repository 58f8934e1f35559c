CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING ivfflat AS
  OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
  FUNCTION 1 (bit) hnsw_bit_hamming_support(internal);
