"""Reading a file of questions and answers with Python's modules.

loads: {"format": "jsonl" or "csv", "file": FILE}
a pass: reads the whole file into pairs without validation
"""

import csv
import json

from worker import Pass, Reply, Request, serve, timed

Pairs = list[tuple[str, str]]


def jsonl(file: str) -> Pairs:
    with open(file, encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        return [(row["question"], row["answer"]) for row in rows]


def table(file: str) -> Pairs:
    with open(file, encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        return [(question, answer) for question, answer in rows]


READERS = {"jsonl": jsonl, "csv": table}


def load(request: Request) -> tuple[str, Pass]:
    read = READERS[request["format"]]

    def one_pass(_: Request) -> Reply:
        rows: Pairs = []
        cost = timed(lambda: rows.extend(read(request["file"])))
        return cost | {"rows": len(rows)}

    one_pass({})
    return f"module {'json' if read is jsonl else 'csv'}", one_pass


if __name__ == "__main__":
    serve(load)
