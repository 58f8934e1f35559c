-- What scripts/demo works with: words with their vectors, and the functions that
-- make them and look for them.

CREATE EXTENSION hnswpg;

-- A vector for a word from the letters it is made of. Every single letter, pair and
-- triple of neighbours (with ^ before the word and $ after it) is hashed to one of
-- 256 dimensions, where it counts +1 or -1; the length is then made 1. Pairs and
-- triples are hashed with their letters sorted, so that a swap costs little, and
-- pairs once more as they stand, for half.
CREATE FUNCTION embed(word text) RETURNS vector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
DECLARE
  letters text[] := string_to_array('^' || lower(word) || '$', NULL);
  n int := cardinality(letters);
  sums real[] := array_fill(0::real, ARRAY[256]);
  features text[];
  feature text;
  hash int;
  a text;
  b text;
  c text;
BEGIN
  FOR i IN 1 .. n LOOP
    a := letters[i];
    b := letters[i + 1];
    c := letters[i + 2];
    features := ARRAY[a];
    IF i < n THEN
      features := features || (least(a, b) || greatest(a, b));
      hash := hashtext(a || '>' || b);
      sums[(hash & 255) + 1] := sums[(hash & 255) + 1] + CASE WHEN hash & 256 = 0 THEN 0.5 ELSE -0.5 END;
    END IF;
    IF i < n - 1 THEN
      features := features || (least(a, b, c)
        || greatest(least(a, b), least(greatest(a, b), c))
        || greatest(a, b, c));
    END IF;
    FOREACH feature IN ARRAY features LOOP
      hash := hashtext(feature);
      sums[(hash & 255) + 1] := sums[(hash & 255) + 1] + CASE WHEN hash & 256 = 0 THEN 1 ELSE -1 END;
    END LOOP;
  END LOOP;
  RETURN l2_normalize(sums::vector);
END
$$;

CREATE TABLE dictionary (id int GENERATED ALWAYS AS IDENTITY, word text NOT NULL);
\copy dictionary (word) FROM PROGRAM 'grep -v "''s$" /usr/share/dict/american-english'

-- CREATE TABLE AS, because its SELECT may use several processes.
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
CREATE TABLE words AS SELECT id, word, embed(word)::vector(256) AS embedding FROM dictionary;
ALTER TABLE words ADD PRIMARY KEY (id);
DROP TABLE dictionary;
VACUUM ANALYZE words;

-- For going on by hand: SELECT * FROM suggest('recieve');
CREATE FUNCTION suggest(misspelt text, n int DEFAULT 10)
RETURNS TABLE (word text, distance real) LANGUAGE sql STABLE AS $$
  SELECT w.word, (w.embedding <=> q.v)::real
  FROM (SELECT embed(misspelt) AS v OFFSET 0) AS q
  CROSS JOIN LATERAL (SELECT * FROM words ORDER BY embedding <=> q.v LIMIT n) AS w
$$;

-- The ten nearest words, once as the planner likes and once without the index, with
-- the time of each. EXECUTE: every query is planned, as one typed by hand would be.
-- recall: how many of the words found are as near as the exact ten.
CREATE FUNCTION search(query text, OUT nearest text[], OUT distances real[], OUT ms real,
                       OUT exact_ms real, OUT recall real)
LANGUAGE plpgsql AS $$
DECLARE
  q vector := embed(query);
  ranked CONSTANT text := 'SELECT word, (embedding <=> $1)::real AS distance FROM words
    ORDER BY embedding <=> $1 LIMIT 10';
  exact real[];
  start timestamptz := clock_timestamp();
BEGIN
  EXECUTE format('SELECT array_agg(word), array_agg(distance) FROM (%s) AS w', ranked)
    INTO nearest, distances USING q;
  ms := 1000 * extract(epoch FROM clock_timestamp() - start);

  SET LOCAL enable_indexscan = off;
  start := clock_timestamp();
  EXECUTE format('SELECT array_agg(distance) FROM (%s) AS w', ranked) INTO exact USING q;
  exact_ms := 1000 * extract(epoch FROM clock_timestamp() - start);
  SET LOCAL enable_indexscan = on;

  recall := (SELECT count(*) FROM unnest(distances) AS d WHERE d <= exact[10] + 1e-6) / 10.0;
END
$$;
