-- Written by Nearsay. Load it with: psql --set ON_ERROR_STOP=1 --file THIS_FILE DATABASE
\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
BEGIN;
CREATE EXTENSION IF NOT EXISTS vector;
DROP TABLE IF EXISTS {table}_next;
CREATE TABLE {table}_next (
    id uuid PRIMARY KEY,
    answer_id uuid NOT NULL,
    text text NOT NULL,
    answer text NOT NULL,
    source text,
    faq_row bigint NOT NULL,
    embedding vector({dim}) NOT NULL
);
COPY {table}_next (id, answer_id, text, answer, source, faq_row, embedding) FROM stdin;
