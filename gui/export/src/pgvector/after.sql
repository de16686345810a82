\.
CREATE INDEX ON {table}_next USING hnsw (embedding vector_cosine_ops);
CREATE INDEX ON {table}_next (answer_id);
DROP TABLE IF EXISTS {table};
ALTER TABLE {table}_next RENAME TO {table};
COMMIT;
ANALYZE {table};

-- The five best answers to a question. $1 is the question's vector from “nearsay encode DIR --json”. The inner
-- query uses the index and fetches 40 texts, because an answer has several.
--
--   SELECT answer, max(score) AS score
--   FROM (SELECT answer_id, answer, 1 - (embedding <=> $1) AS score
--         FROM {table} ORDER BY embedding <=> $1 LIMIT 40) AS nearest
--   GROUP BY answer_id, answer ORDER BY score DESC LIMIT 5;
