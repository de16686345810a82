"""Time from program start to its window and to its first answer, with MiniLM.

The sample project is trained once with MiniLM; then the program is started again and again, with
that project and its model. One JSON line a start: seconds to the window, and to the answer.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import x11
from journey import SLOW, App, Journey
from x11 import wait


def one(found):
    """The only item, or None if there is none yet."""
    return next(iter(found.values()), None)


def close(app):
    """Closes the window and waits until the program exits."""
    app.screen.close(app.window)
    wait("the program ends", lambda: app.process.poll() is not None, 20 * SLOW)


def prepare(app, model):
    """A project whose model is MiniLM with a head."""
    shutil.copytree(model, app.data / "models" / "minilm")
    app.start()
    sample = wait("the sample is on disk", lambda: one(app.projects()), 20 * SLOW)
    app.project(sample.name)
    close(app)
    path = sample.folder / "project.json"
    whole = json.loads(path.read_text("utf-8"))
    whole["document"]["options"]["effort"] = "Balanced"
    path.write_text(json.dumps(whole), "utf-8")

    app.start()
    app.project(sample.name)
    app.key("Ctrl+2")
    app.screen.key("F5")

    def learned():
        models = one(app.projects()).models
        return models if any([models["current"], *models["earlier"]]) else None

    if wait("a model is trained", learned, 300 * SLOW)["current"] is None:
        app.command("previous model")
    current = wait("the model is taken", lambda: one(app.projects()).models["current"], 20 * SLOW)
    about = sample.folder / "models" / current["name"] / "nearsay.json"
    encoder = json.loads(about.read_text("utf-8"))["encoder"]
    app.key("Ctrl+3")
    close(app)
    return encoder


def first_answer(app):
    """Seconds from start to window and to first answer, without the time for typing."""
    began = time.monotonic()
    window = app.start()
    typed = time.monotonic()
    app.screen.type(Journey.KNOWN)
    typing = time.monotonic() - typed
    app.copied("an answer of the sample", 20 * SLOW)
    answer = time.monotonic() - began - typing
    close(app)
    return {"window": window, "answer": answer}


def main():
    """Prepares the project, then starts the program for each pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--start", type=pathlib.Path, required=True, metavar="MINILM_DIR")
    parser.add_argument("--passes", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nearsay-start-") as base:
        app = App(os.path.abspath(given.program), pathlib.Path(base) / "data", x11.Screen())
        try:
            print(json.dumps({"encoder": prepare(app, given.start)}), flush=True)
            for _ in range(given.passes):
                print(json.dumps(first_answer(app)), flush=True)
        finally:
            app.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
