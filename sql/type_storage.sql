-- Vectors in tables: size, TOAST, and what goes through them unharmed.

-- 8 bytes and 4 for each element
SELECT dim, pg_column_size(array_fill(1, ARRAY[dim])::vector)
FROM unnest(ARRAY[1, 3, 128, 16000]) dim;

CREATE TABLE type_storage (id int PRIMARY KEY, v vector);
INSERT INTO type_storage
  SELECT dim, (SELECT array_agg(((dim * 7 + i * 13) % 101 - 50) / 8.0) FROM generate_series(1, dim) i)::vector
  FROM unnest(ARRAY[1, 3, 29, 30, 31, 128, 498, 768, 1998, 4000, 16000]) dim;
INSERT INTO type_storage VALUES (-4000, array_fill(0, ARRAY[4000])::vector);

-- Stored, a short vector has a header of 1 byte instead of 4, and a long one is
-- out of line but never compressed, not even if it could be
SELECT id, pg_column_size(v), pg_column_compression(v) AS compression FROM type_storage ORDER BY id;
SELECT reltoastrelid <> 0 AS has_toast FROM pg_class WHERE oid = 'type_storage'::regclass;

-- They come back as they went
SELECT id, vector_dims(v) = abs(id) AS dims,
       CASE WHEN id > 0 THEN
         v = (SELECT array_agg(((id * 7 + i * 13) % 101 - 50) / 8.0) FROM generate_series(1, id) i)::vector
       END AS same,
       v <-> v AS distance, v::text::vector = v AS text
FROM type_storage ORDER BY id;
SELECT id, subvector(v, 1, 2) FROM type_storage WHERE id IN (3, 30, 16000) ORDER BY id;

-- Other ways to keep them read the same
ALTER TABLE type_storage ALTER v SET STORAGE extended;
UPDATE type_storage SET v = v + v;
INSERT INTO type_storage VALUES (-5000, array_fill(0, ARRAY[5000])::vector);
SELECT id, pg_column_size(v) < 1000 AS small, vector_dims(v), vector_norm(v)
FROM type_storage WHERE id < 0 ORDER BY id;
ALTER TABLE type_storage ALTER v SET STORAGE plain;
INSERT INTO type_storage VALUES (2, '[1,2]');
SELECT v, vector_dims(v) FROM type_storage WHERE id = 2;

-- Bytes that no vector has are reported, not followed. (Only a superuser can
-- make them.)
CREATE CAST (bytea AS vector) WITHOUT FUNCTION;
CREATE TABLE type_damaged (b bytea);
INSERT INTO type_damaged VALUES ('\x01000000'), ('\x00000000'), ('\xffff0000 0000803f'),
                                ('\x02000000 0000803f'), ('\x01000000 0000803f 0000803f');
DO $$
DECLARE
  row record; detail text;
BEGIN
  FOR row IN SELECT b FROM type_damaged LOOP
    BEGIN
      PERFORM row.b::vector <-> '[1]';
      RAISE NOTICE '%: no error', row.b;
    EXCEPTION WHEN data_corrupted THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      RAISE NOTICE '%: %. %', row.b, SQLERRM, detail;
    END;
  END LOOP;
END $$;
DROP TABLE type_damaged;
DROP CAST (bytea AS vector);
DROP TABLE type_storage;
