"""Searches exports of `nearsay export` in their engines, and compares with `nearsay ask`.

usage: same_answers.py NEARSAY MODEL QUESTIONS FORMAT=TARGET...
NEARSAY is the program, MODEL a model without keyword scores, QUESTIONS a file with one question per line;
FORMAT is npy, parquet, pgvector, or qdrant, whose TARGET is ignored (see qdrant_server.py). Prints for each
engine its version, how often the first answer is the same, the largest difference of its score, and the
smallest cosine between a text's vector there and from `nearsay encode` (only of paraphrases, if the model
expands its answers). Fails if a different answer scores lower by more than 1e-5, or a cosine is below 0.99999.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

nearsay, model, questions, *targets = sys.argv[1:]
questions = pathlib.Path(questions).read_text(encoding="utf-8").splitlines()


def run(*arguments, lines):
    """JSON lines of a sub-command for lines of text."""
    done = subprocess.run(
        [nearsay, *arguments, "--json"], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


moved = "expansion" in json.loads((pathlib.Path(model) / "nearsay.json").read_text(encoding="utf-8"))
asked = [found["answers"][0] for found in run("ask", model, lines=questions)]
vectors = numpy.array(run("encode", model, lines=questions), dtype=numpy.float32)


def by_numpy(rows, table):
    """Answer and score of the nearest text for each question."""
    scores = vectors @ table.T
    best = scores.argmax(axis=1)
    return [(rows[row]["answer"], scores[i, row]) for i, row in enumerate(best)]


def npy(target):
    table = numpy.load(pathlib.Path(target) / "vectors.npy", mmap_mode="r")
    lines = (pathlib.Path(target) / "answers.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    rows = [json.loads(line) for line in lines]
    yield f"numpy {numpy.__version__}", rows, table, by_numpy(rows, table)


def parquet(target):
    import duckdb
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(target).to_pylist()
    table = numpy.array([row["vector"] for row in rows], dtype=numpy.float32)
    yield f"pyarrow {pyarrow.__version__}", rows, table, by_numpy(rows, table)

    dim = len(rows[0]["vector"])
    sql = f"""SELECT answer, array_cosine_similarity(vector::FLOAT[{dim}], $1::FLOAT[{dim}]) AS score
              FROM read_parquet($2) ORDER BY score DESC LIMIT 1"""
    found = [duckdb.execute(sql, [vector.tolist(), target]).fetchone() for vector in vectors]
    yield f"duckdb {duckdb.__version__}", rows, table, found


def pgvector(target):
    import pgserver

    psql = next(pathlib.Path(pgserver.__file__).parent.glob("pginstall/bin/psql"))
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder)
        ask = [psql, server.get_uri(), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]

        def sql(text):
            done = subprocess.run(ask, input=text, stdout=subprocess.PIPE, text=True, check=True)
            return [json.loads(line) for line in done.stdout.splitlines()]

        for _ in range(2):  # the second time must find and replace what the first left
            subprocess.run([*ask, "--file", target], check=True)
        rows = sql("SELECT json_build_object('text', text, 'answer', answer, 'v', embedding::text) FROM faq;")
        table = numpy.array([json.loads(row["v"]) for row in rows], dtype=numpy.float32)
        search = """SET enable_seqscan = off; SET hnsw.ef_search = 200;
            SELECT json_build_array(answer, 1 - (embedding <=> '{0}')) FROM faq ORDER BY embedding <=> '{0}' LIMIT 1;"""
        found = sql("".join(search.format(json.dumps(vector.tolist())) for vector in vectors))
        plan = subprocess.run(
            [*ask, "-c", "SET enable_seqscan = off", "-c", f"EXPLAIN SELECT * FROM faq ORDER BY embedding <=> '{vectors[0].tolist()}' LIMIT 1"],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout
        assert "faq_next_embedding_idx" in plan, plan
        [[postgres, extension]] = sql(
            "SELECT json_build_array(current_setting('server_version'), extversion) FROM pg_extension WHERE extname = 'vector';"
        )
        yield f"PostgreSQL {postgres}, pgvector {extension}, by its HNSW index", rows, table, found
        server.cleanup()


def qdrant(_):
    import importlib.metadata

    from qdrant_client import models
    from qdrant_server import KEY, QdrantServer

    server = QdrantServer()
    os.environ["QDRANT_API_KEY"] = KEY
    export = [nearsay, "export", model, "--to", "qdrant", server.url, "--json"]

    # After an interruption, the upload continues with the next batch; a finished upload sends nothing.
    server.upserts_left = 1
    assert subprocess.run(export, stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode == 1
    server.upserts_left = None
    dim = vectors.shape[1]
    others = [({"nearsay_model": "an earlier one", "answer": "stale"}, 1), ({"owner": "another user"}, 2)]
    for payload, number in others:
        server.client.upsert("faq", [models.PointStruct(id=number, vector=[1.0] * dim, payload=payload)])
    server.busy = 2
    texts = json.loads(subprocess.run(export, stdout=subprocess.PIPE, check=True).stdout)["texts"]
    sent = list(server.sent)
    subprocess.run(export, stdout=subprocess.PIPE, check=True)
    assert sum(sent) == texts and server.sent == sent, (sent, server.sent)
    points, _ = server.client.scroll("faq", limit=1_000_000, with_vectors=True)
    assert {1, 2} & {point.id for point in points} == {2}, "only what we left is removed"

    rows = [point.payload for point in points if point.id != 2]
    table = numpy.array([point.vector for point in points if point.id != 2], dtype=numpy.float32)
    found = run("ask", model, "--via", "qdrant", server.url, "--top", "3", lines=questions)
    for ours, theirs in zip(run("ask", model, lines=questions), found):
        assert len({answer["answer"] for answer in theirs["answers"]}) == 3
        assert ours["confident"] == theirs["confident"]
    os.environ["QDRANT_API_KEY"] = "another"
    assert b"QDRANT_API_KEY" in subprocess.run(export, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stderr
    first = [(answers["answers"][0]["answer"], answers["answers"][0]["score"]) for answers in found]
    version = importlib.metadata.version("qdrant-client")
    yield f"a stand-in for a server over qdrant-client {version}'s local mode", rows, table, first
    server.shutdown()
    yield edge([point for point in points if point.id != 2])


def edge(points):
    """Searches the same points by the HNSW index of Qdrant's engine, in this process."""
    import importlib.metadata

    import qdrant_edge as qdrant

    dim = vectors.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        config = qdrant.EdgeConfig(
            vectors=qdrant.EdgeVectorParams(size=dim, distance=qdrant.Distance.Cosine),
            # Index even a few points, so that searches use the index.
            hnsw_config=qdrant.HnswIndexConfig(m=16, ef_construct=200, full_scan_threshold=1),
            optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1),
        )
        shard = qdrant.EdgeShard.create(folder, config)
        every = [qdrant.Point(point.id, point.vector, point.payload) for point in points]
        shard.update(qdrant.UpdateOperation.upsert_points(every))
        shard.optimize()
        indexed = shard.info().indexed_vectors_count
        assert indexed, "nothing was indexed"

        def nearest(vector):
            query = qdrant.Query.Nearest(vector.tolist())
            params = qdrant.SearchParams(hnsw_ef=200)
            [found] = shard.search(qdrant.SearchRequest(query, 1, params=params, with_payload=True))
            return found.payload["answer"], found.score

        found = [nearest(vector) for vector in vectors]
        kept = shard.retrieve([point.id for point in points], with_payload=True, with_vector=True)
        rows = [record.payload for record in kept]
        table = numpy.array([record.vector for record in kept], dtype=numpy.float32)
        shard.close()
    version = importlib.metadata.version("qdrant-edge-py")
    return f"Qdrant's engine (qdrant-edge-py {version}, {indexed} of {len(points)} indexed)", rows, table, found


for target in targets:
    format, target = target.split("=", 1)
    for engine, rows, table, found in {"npy": npy, "parquet": parquet, "pgvector": pgvector, "qdrant": qdrant}[format](target):
        as_encoded = [i for i, row in enumerate(rows) if not moved or row["text"] != row["answer"]]
        whole = [i for i in as_encoded if rows[i]["text"].strip() and len(rows[i]["text"].splitlines()) == 1]
        ours = numpy.array(run("encode", model, lines=[rows[i]["text"] for i in whole]), dtype=numpy.float32)
        cosines = (ours * table[whole]).sum(axis=1)
        cosines = cosines[ours.any(axis=1)]  # of unknown words only: the zero vector
        same = sum(answer == first["answer"] for first, (answer, _) in zip(asked, found))
        difference = max(abs(score - first["score"]) for first, (_, score) in zip(asked, found))
        print(
            f"{format}, {engine}: {len(rows)} texts, first answer the same for {same} of {len(questions)} questions, "
            f"scores differ by {difference:.1e} at most, least cosine {cosines.min():.7f} of {len(whole)} texts"
        )
        assert len(found) == len(questions) and difference < 1e-5, "another answer came first"
        assert cosines.min() >= 0.99999
