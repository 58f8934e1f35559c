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
