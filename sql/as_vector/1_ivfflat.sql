-- What the extension has under the name vector alone: pgvector's other access method, so that
-- dumps and migrations that name it go on. An index that is created with it is an hnsw graph.

CREATE FUNCTION ivfflathandler(internal) RETURNS index_am_handler
  AS 'MODULE_PATHNAME' LANGUAGE C;

CREATE ACCESS METHOD ivfflat TYPE INDEX HANDLER ivfflathandler;
COMMENT ON ACCESS METHOD ivfflat IS 'another name of hnsw, for statements that were written for pgvector';
