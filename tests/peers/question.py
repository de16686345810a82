"""One question at a time with sentence-transformers.

loads: {"model": DIR, "texts": FILE of questions}
a pass: each question by itself, through `encode` → seconds of each
"""

import torch
from worker import THREADS, Pass, Reply, Request, serve, texts_of, timed


def load(request: Request) -> tuple[str, Pass]:
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    model = SentenceTransformer(request["model"], device="cpu")
    questions = texts_of(request)

    def one_pass(_: Request) -> Reply:
        encode = [
            timed(lambda question=question: model.encode(question, show_progress_bar=False))
            for question in questions
        ]
        return {"seconds": [one["wall"] for one in encode]}

    one_pass({})
    return "fp32", one_pass


if __name__ == "__main__":
    serve(load, "torch", "sentence-transformers", "transformers")
