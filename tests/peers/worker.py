"""Protocol of all peers: JSON lines on stdin and stdout, two threads, timing.

The first line says what to load; the reply names the fastest settings and the versions. Each further
line requests a pass; the reply is its cost. `nearsay-bench` drives the workers.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

THREADS = 2

Request = dict[str, Any]
Reply = dict[str, Any]
Pass = Callable[[Request], Reply]


def timed(work: Callable[[], object]) -> Reply:
    """Wall time and processor time in seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def peak_mb() -> float:
    """Peak resident memory of this process in MB (Linux)."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def fastest(variants: dict[str, Callable[[], object]]) -> str:
    """Name of the fastest candidate; each is timed twice, and the better time counts."""

    def seconds(work: Callable[[], object]) -> float:
        return min(timed(work)["wall"] for _ in range(2))

    return min(variants, key=lambda name: seconds(variants[name]))


def serve(load: Callable[[Request], tuple[str, Pass]], *packages: str) -> None:
    """Loads and warms up according to the first line, then runs passes until stdin ends.

    `load` returns a note on the settings it found best, and what does a pass.
    """
    # Output of libraries must not mix with the replies.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(reply: Reply) -> None:
        print(json.dumps(reply), file=answers, flush=True)

    try:
        note, one_pass = load(json.loads(sys.stdin.readline()))
        versions = {package: version(package) for package in packages}
        answer({"ready": note, "versions": versions})
        for line in sys.stdin:
            answer(one_pass(json.loads(line)))
    except Exception as error:  # whatever it is, the driver tells it and goes on without this peer
        answer({"error": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error


def texts_of(request: Request) -> list[str]:
    """Texts of the file that a request names."""
    with open(request["texts"], encoding="utf-8") as file:
        return json.load(file)
