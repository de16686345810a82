"""Exact search by a flat scan, one query at a time.

loads: {"engine": "numpy" or "faiss", "vectors": FILE of f32, "queries": FILE of f32, "dim": d, "k": k}
a pass: every query by itself → the cost of one; {"hits": true} adds the hits
"""

from collections.abc import Callable

import numpy
from worker import THREADS, Pass, Reply, Request, serve, timed

Search = Callable[[numpy.ndarray], numpy.ndarray]


def by_numpy(vectors: numpy.ndarray, k: int) -> Search:
    from threadpoolctl import threadpool_limits

    threadpool_limits(THREADS)

    def search(query: numpy.ndarray) -> numpy.ndarray:
        scores = vectors @ query
        nearest = numpy.argpartition(scores, len(scores) - k)[-k:]
        return nearest[numpy.argsort(-scores[nearest])]

    return search


def by_faiss(vectors: numpy.ndarray, k: int) -> Search:
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda query: index.search(query[None], k)[1][0]


ENGINES = {"numpy": by_numpy, "faiss": by_faiss}


def load(request: Request) -> tuple[str, Pass]:
    vectors, queries = (
        numpy.fromfile(request[name], numpy.float32).reshape(-1, request["dim"])
        for name in ("vectors", "queries")
    )
    search = ENGINES[request["engine"]](vectors, request["k"])

    def one_pass(asked: Request) -> Reply:
        cost = timed(lambda: [search(query) for query in queries])
        reply: Reply = {clock: seconds / len(queries) for clock, seconds in cost.items()}
        if asked.get("hits"):
            reply["hits"] = [search(query).tolist() for query in queries]
        return reply

    one_pass({})
    return "flat scan", one_pass


if __name__ == "__main__":
    serve(load, "numpy", "faiss-cpu")
