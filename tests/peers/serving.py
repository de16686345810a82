"""Serving a model from Rust and from Python: size, startup, memory, latency.

usage: serving.py FOLDER PYTHON    (PYTHON has sentence-transformers; tests/peers/setup makes one)

Builds core/examples/serve.rs with minimal features and asks both servers the same questions, one at a
time, alternating.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

QUESTIONS = 200
ROUNDS = 3
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FEATURES = ["-p", "nearsay-core", "--no-default-features", "--features", "candle"]


def crates() -> int:
    tree = ["cargo", "tree", *FEATURES, "-e", "normal", "--prefix", "none"]
    out = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return len({line.split()[0] for line in out.splitlines() if line}) - 1


def build() -> Path:
    command = ["cargo", "build", "--release", *FEATURES, "--example", "serve", "--message-format", "json"]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    artifacts = map(json.loads, out.splitlines())
    return next(Path(a["executable"]) for a in artifacts if a.get("executable"))


def peak_mb(process: subprocess.Popen) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def ask(connection: http.client.HTTPConnection, question: str) -> str:
    connection.request("POST", "/", question.encode(), {"Content-Type": "text/plain"})
    return connection.getresponse().read().decode()


def measure(command: list, port: int, questions: list) -> tuple:
    started = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "2"})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        while True:
            try:
                ask(connection, questions[0])
                break
            except OSError:
                connection.close()
                if process.poll() is not None:
                    sys.exit(f"{command[0]} ended by itself")
                time.sleep(0.01)
        start = time.perf_counter() - started
        times, answers = [], []
        for question in questions:
            begun = time.perf_counter()
            answers.append(ask(connection, question))
            times.append((time.perf_counter() - begun) * 1e3)
        times.sort()
        return start, times[len(times) // 2], times[len(times) * 99 // 100], peak_mb(process), answers
    finally:
        process.kill()
        process.wait()


def main() -> None:
    folder, python = sys.argv[1:]
    program = build()
    stripped = program.with_suffix(".stripped")
    shutil.copy(program, stripped)
    subprocess.run(["strip", str(stripped)], check=True)
    print(f"nearsay-core with candle: {crates()} crates below it; the example {stripped.stat().st_size / 1e6:.1f} MB stripped")
    lines = Path(folder, "answers.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [w for line in lines for w in json.loads(line)["questions"]][:QUESTIONS]
    servers = {
        "Rust": ([str(program), folder], 8081),
        "Python": ([python, str(HERE / "serve.py"), folder, "8082"], 8082),
    }
    found: dict = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, (command, port) in servers.items():
            found[name].append(measure(command, port, questions))
    for name, runs in found.items():
        start, half, late, memory = (sorted(run[i] for run in runs)[len(runs) // 2] for i in range(4))
        print(f"{name}: first answer {start:.2f} s, p50 {half:.1f} ms, p99 {late:.1f} ms, memory {memory:.0f} MB")
    same = sum(a == b for a, b in zip(found["Rust"][0][4], found["Python"][0][4]))
    print(f"same answer to {same} of {len(questions)} questions")


main()
