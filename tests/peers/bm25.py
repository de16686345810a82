"""Keyword search: BM25 by bm25s.

loads: {"answers": FILE, "questions": FILE, "right": FILE of the number of each question's answer}
a pass: all questions → the cost of one, and accuracy@1
"""

import json

import bm25s
from worker import Pass, Reply, Request, serve, texts_of, timed


def load(request: Request) -> tuple[str, Pass]:
    answers, questions = (texts_of({"texts": request[name]}) for name in ("answers", "questions"))
    with open(request["right"], encoding="utf-8") as file:
        right = json.load(file)
    index = bm25s.BM25()
    index.index(bm25s.tokenize(answers, stopwords="en", show_progress=False), show_progress=False)
    found: list[int] = []

    def ask() -> None:
        found.clear()
        for question in questions:
            words = bm25s.tokenize([question], stopwords="en", show_progress=False)
            found.append(int(index.retrieve(words, k=1, show_progress=False)[0][0][0]))

    def one_pass(_: Request) -> Reply:
        cost = timed(ask)
        reply: Reply = {clock: seconds / len(questions) for clock, seconds in cost.items()}
        hits = sum(first == answer for first, answer in zip(found, right))
        return reply | {"recall@1": hits / len(questions)}

    return "k1 1.5, b 0.75, English stop words", one_pass


if __name__ == "__main__":
    serve(load, "bm25s")
