"""A journey through the app's real window, by keyboard and mouse.

Each step is checked by the program's output: its data directory, the exported directory, the
clipboard. People check how the window looks, with --shots DIR.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import faqs
import x11
from x11 import Failure, wait

# Factor for all timeouts.
SLOW = float(os.environ.get("NEARSAY_WINDOW_SLOW", "1"))


class Project:
    """A project on disk: the snapshot, updated with the journal."""

    def __init__(self, folder):
        whole = json.loads((folder / "project.json").read_text("utf-8"))
        self.folder = folder
        self.document, self.models, self.seq = whole["document"], whole["models"], whole["seq"]
        self.edits = []
        for line in (folder / "journal.jsonl").read_text("utf-8").split("\n")[:-1]:
            mark, _, content = line.partition(" ")
            int(mark, 16)
            found = json.loads(content)
            if found["seq"] > self.seq:
                self.seq = found["seq"]
                self._apply(found["record"])

    def _apply(self, record):
        if "Models" in record:
            self.models = record["Models"]
            return
        self.edits.append(record["Edit"]["what"])
        for patch in record["Edit"]["patches"]:
            (kind, change), = patch.items()
            if kind == "Options":
                self.document["options"] = change["after"]
            elif kind in ("Entry", "Import"):
                of = self.document["entries" if kind == "Entry" else "imports"]
                of[str(change["id"])] = change["after"]
                if change["after"] is None:
                    del of[str(change["id"])]

    @property
    def name(self):
        """Name of the project."""
        return self.document["options"]["name"]

    @property
    def answers(self):
        """Questions by answer."""
        return {entry["answer"]: [paraphrase["text"] for paraphrase in entry["wordings"]]
                for entry in self.document["entries"].values()}

    @property
    def questions(self):
        """Number of questions."""
        return sum(map(len, self.answers.values()))


class App:
    """The running program and its window."""

    def __init__(self, program, data, screen):
        self.program, self.data, self.screen = program, data, screen
        self.process = self.window = None

    def start(self):
        """Starts the program; returns the seconds until its window appears."""
        began = time.monotonic()
        # Children are found by their session.
        try:
            self.process = subprocess.Popen(
                [self.program, "--data", str(self.data)], start_new_session=True)
        except OSError as error:
            raise Failure(f"the program does not start: {error}") from error
        self.window = wait("the window appears", self._first_window, 10 * SLOW, 0.005)
        took = time.monotonic() - began
        self.screen.activate(self.window)
        return took

    def _first_window(self):
        if self.process.poll() is not None:
            raise Failure(f"the program ended at once, with {self.process.returncode}")
        found = self.screen.windows("nearsay")
        return found and found[0]

    def family(self):
        """Process ids of the program and its children."""
        found = []
        for about in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = about.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[3]) == self.process.pid:
                found.append(int(about.parent.name))
        return found

    def end(self):
        """Kills all remaining processes."""
        if self.process and self.family():
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process:
            self.process.wait(10)

    def projects(self):
        """Projects on disk by name."""
        found = {}
        for path in self.data.glob("projects/*/project.json"):
            try:
                project = Project(path.parent)
            except (OSError, ValueError, KeyError):
                continue  # It is being written.
            found[project.name] = project
        return found

    def project(self, name):
        """This project, once it is on disk and the window shows it."""
        def there():
            titled = self.screen.title(self.window) == f"{name} — Nearsay"
            return titled and self.projects().get(name)
        return wait(f"the project {name!r} is on disk and in the window's title", there, 8 * SLOW)

    def settings(self):
        """Settings saved by the program."""
        try:
            return json.loads((self.data / "settings.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def settle(self):
        """Waits until the window has finished drawing."""
        self.screen.settle(self.window, 5 * SLOW)

    def key(self, keys):
        """Presses a key and lets the window draw."""
        self.screen.key(keys)
        self.settle()

    def command(self, words):
        """Runs a command from the command list."""
        self.key("Ctrl+k")
        self.screen.type(words)
        self.settle()
        self.key("Return")

    def copied(self, what, timeout):
        """Presses Enter until a text is on the clipboard, since answers may take a moment."""
        self.screen.clear_clipboard()

        def enter():
            self.screen.key("Return")
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                found = self.screen.clipboard()
                if found is not None:
                    return found
                time.sleep(0.02)
            return None

        return wait(f"{what} is on the clipboard", enter, timeout)

    def _takes(self, sign, patience):
        """Replaces the text of the focused box by one character; returns the text that can then be copied."""
        self.screen.clear_clipboard()
        self.screen.key("Ctrl+a")
        self.screen.type(sign)
        for keys in ("Ctrl+a", "Ctrl+c"):
            self.screen.key(keys)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            found = self.screen.clipboard()
            if found and (found == sign or not sign):
                return found
            time.sleep(0.01)
        return None

    def write_in_box(self, text):
        """Finds the page's first text box by Tab and types a text into it.

        Only from a box can a sign just typed be copied again.
        """
        for patience in (0.2, 1.0 * SLOW):
            for place in range(30):
                self.key("Tab")
                # Another character in each place, so that late input can't be mistaken for this one.
                if self._takes(chr(ord("a") + place % 26), patience):
                    self.screen.type(text)
                    if self._takes("", patience + SLOW) == text:
                        return
        raise Failure("no text box takes the text: Tab does not get there")


class Journey:
    """The steps and their shared state."""

    # A question of the sample, which every model answers.
    KNOWN = "What does membership cost?"

    def __init__(self, app, files, shots):
        self.app, self.screen, self.files, self.shots = app, app.screen, files, shots
        self.table = files / faqs.NAME
        self.second = files / "second.csv"
        self.table.write_bytes(faqs.messy())
        self.second.write_bytes(faqs.second())
        self.began = 0.0

    def shot(self, name):
        """Saves a picture of the window."""
        if self.shots:
            self.app.settle()
            self.screen.shot(self.app.window, self.shots / f"{name}.png")

    def first_start(self):
        """A fresh start shows a window and the sample."""
        self.began = time.monotonic()
        took = self.app.start()
        sample = wait("the sample is on disk",
                      lambda: next(iter(self.app.projects().values()), None), 10 * SLOW)
        both = time.monotonic() - self.began
        self.app.project(sample.name)
        if not sample.document["options"]["sample"] or sample.questions < 1000:
            raise Failure(f"{sample.name!r} is not the whole sample: {sample.questions} questions")
        self.shot("ask-empty")
        return f"window after {took:.2f} s, sample on disk after {both:.2f} s"

    def first_question(self):
        """A question typed right after the start is answered."""
        typed = time.monotonic()
        self.screen.type(self.KNOWN)
        typing = time.monotonic() - typed
        # Five seconds from the start, without the time for typing.
        before = typed - self.began
        answer = self.app.copied("an answer of the sample", max(5 * SLOW - before, 1))
        took = time.monotonic() - self.began - typing
        sample = next(iter(self.app.projects().values()))
        if self.KNOWN not in sample.answers.get(answer, []):
            raise Failure(f"what was copied is not the answer to {self.KNOWN!r}: {answer[:80]!r}")
        self.shot("ask-sample")
        return f"copied {took:.2f} s after the start, typing not counted: {answer[:50]!r}…"

    def drop(self):
        """A messy table dropped on the window becomes a project of its own."""
        self.app.key("Ctrl+1")
        self.shot("data-sample")
        self.screen.drop(self.app.window, self.table, lambda: self.shot("drop"))
        self.screen.point(*self.screen.AWAY)
        self.app.project(faqs.PROJECT)
        project = wait("the rows of the dropped file are on disk",
                       lambda: self._with(dict(faqs.ANSWERS)), 8 * SLOW)
        file, = project.document["imports"].values()
        # The row without an answer, and the one with the unclosed quote.
        lines = [problem["line"] for problem in file["problems"] if problem["kind"] == "LeftOut"]
        if (file["read"], lines) != (48, [21, 35]):
            raise Failure(f"read {file['read']}, left out lines {lines}; "
                          "should be 48, and lines 21 and 35")
        if self.table.read_bytes() != faqs.messy():
            raise Failure("the dropped file was changed")
        self.shot("data")
        return f"{project.questions} questions, {len(project.answers)} answers, 2 rows left out"

    def _with(self, answers):
        """The project, if it has exactly these answers and questions."""
        project = self.app.projects().get(faqs.PROJECT)
        return project if project and project.answers == answers else None

    def train(self):
        """F5 trains a model."""
        self.app.key("Ctrl+2")
        self.shot("train-before")
        began = time.monotonic()
        self.screen.key("F5")
        first = self.app.projects()[faqs.PROJECT].folder / "models" / "1" / "nearsay.json"
        wait("the model is on disk", first.is_file, 30 * SLOW)

        def ended():
            models = self.app.projects()[faqs.PROJECT].models
            known = [models["current"], *models["earlier"]]
            return models if any(model and model["name"] == "1" for model in known) else None

        models = wait("the project knows the model", ended, 15 * SLOW)
        took = time.monotonic() - began
        self.shot("train-after")
        said = ""
        if models["current"] is None:
            # With few test questions, this is a matter of chance.
            said = "; it was no better and had to be taken"
            self.app.command("previous model")
            wait("the model is taken",
                 lambda: self.app.projects()[faqs.PROJECT].models["current"], 8 * SLOW)
        json.loads(first.read_text("utf-8"))
        return f"{took:.1f} s{said}"

    def second_question(self):
        """The trained model answers."""
        self.app.key("Ctrl+3")
        right, (question, *_) = faqs.ANSWERS[-1]
        self.screen.type(question)
        self.app.settle()
        answer = self.app.copied("an answer of the project", 8 * SLOW)
        if answer != right:
            raise Failure(f"what was copied is not the answer to {question!r}: {answer[:80]!r}")
        self.shot("ask-answers")
        self.app.key("Escape")
        return f"{answer!r}"

    def undo(self):
        """A deleted row comes back, by key and by command."""
        self.app.key("Ctrl+1")
        count = self.app.projects()[faqs.PROJECT].questions

        def has(wanted):
            return lambda: self.app.projects()[faqs.PROJECT].questions == wanted

        self.app.key("Down")
        self.shot("data-chosen")
        ways = (("by keys", lambda: self.app.key("Home"), lambda: self.app.key("Ctrl+z")),
                ("by mouse and command", self._click_row, lambda: self.app.command("undo")))
        for how, choose, take_back in ways:
            choose()
            self.app.key("Delete")
            wait(f"Delete takes a row away, chosen {how}", has(count - 1), 5 * SLOW)
            take_back()
            wait(f"Undo brings the row back, {how}", has(count), 5 * SLOW)
        if self._with(dict(faqs.ANSWERS)) is None:
            raise Failure("after Undo the answers are not as they were")
        return f"{count} questions again"

    def _click_row(self):
        """Clicks a row: the middle of the lower part of the window, which the table fills."""
        x, y = self.screen.place(self.app.window, 0.5, 0.8)
        self.screen.click(x, y)
        self.screen.point(*self.screen.AWAY)
        self.app.settle()

    def dialog(self):
        """Ctrl+O opens the file dialog; a second file's rows are added."""
        self.screen.key("Ctrl+o")
        found = wait("the file dialog opens", lambda: self.screen.windows("zenity"), 10 * SLOW)
        dialog = found[0]
        self.screen.activate(dialog)
        self.screen.settle(dialog)
        # The first character opens the path box; the rest must wait for it.
        self.screen.type("/")
        self.screen.settle(dialog)
        self.screen.type(str(self.second)[1:])
        if self.shots:
            self.screen.shot(dialog, self.shots / "file-dialog.png")

        def closed():
            if dialog not in self.screen.windows("zenity"):
                return True
            # The dialog reads the directory while the path is typed.
            self.screen.settle(dialog)
            self.screen.key("Return")
            end = time.monotonic() + 2
            while time.monotonic() < end and dialog in self.screen.windows("zenity"):
                time.sleep(0.05)
            return False

        wait("the file dialog takes the path", closed, 12 * SLOW)
        wanted = dict(faqs.ANSWERS + faqs.SECOND)
        project = wait("the rows of the second file are on disk",
                       lambda: self._with(wanted), 8 * SLOW)
        self.screen.activate(self.app.window)
        self.shot("data-two-files")
        return f"{project.questions} questions, {len(project.answers)} answers"

    def killed(self):
        """After kill -9 everything is restored; after a normal exit no lock is left."""
        before = self.app.projects()[faqs.PROJECT]
        mark = before.folder / "open"
        if not mark.is_file():
            raise Failure("an open project has no mark that it is open")
        self.app.process.send_signal(signal.SIGKILL)
        self.app.process.wait(10)
        wait("the program's children end with it", lambda: not self.app.family(), 8 * SLOW)
        if not mark.is_file():
            raise Failure("the mark is gone although the program was killed")
        took = self.app.start()
        after = self.app.project(faqs.PROJECT)
        if after.document != before.document or after.models != before.models:
            raise Failure("the project is not as it was before the kill")
        self.shot("restored")
        self.quit(mark)
        self.app.start()
        self.app.project(faqs.PROJECT)
        return f"window after {took:.2f} s, {after.questions} questions"

    def quit(self, mark):
        """Closes the window by its close button."""
        self.screen.close(self.app.window)
        wait("the program ends", lambda: self.app.process.poll() is not None, 8 * SLOW)
        if self.app.process.returncode != 0:
            raise Failure(f"the program ended with {self.app.process.returncode}")
        wait("the program's children end with it", lambda: not self.app.family(), 5 * SLOW)
        if mark.exists():
            raise Failure("after a proper end the mark of an open project is still there")

    def export(self):
        """The exported directory holds the model and all answers."""
        target = self.files / "faq-model"
        self.app.key("Ctrl+4")
        self.shot("export")
        self.app.write_in_box(str(target))
        self.screen.key("Return")
        about = target / "nearsay.json"
        wait("the exported folder is there", about.is_file, 15 * SLOW)
        json.loads(about.read_text("utf-8"))
        lines = (target / "answers.jsonl").read_text("utf-8").splitlines()
        exported = {json.loads(line).get("answer") for line in lines}
        wanted = set(dict(faqs.ANSWERS + faqs.SECOND))
        if exported != wanted:
            raise Failure(f"answers.jsonl has {len(exported)} answers, should have {len(wanted)}")
        # Existing files are replaced only after a second click.
        first = about.stat().st_ino
        self.app.write_in_box(str(target))
        self.app.key("Return")
        if about.stat().st_ino != first:
            raise Failure("a model that was there was replaced without a question")
        self.shot("export-again")
        return f"{len(list(target.iterdir()))} files, {len(exported)} answers"

    def opened_again(self):
        """The exported directory answers when dropped on the window; without answers it asks for a file."""
        folder, bare = self.files / "faq-model", self.files / "model-alone"
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.app.key("Ctrl+1")
        self.screen.drop(self.app.window, folder, lambda: self.shot("drop-folder"))
        self.screen.point(*self.screen.AWAY)
        project = self.app.project("Faq model")
        wanted = dict(faqs.ANSWERS + faqs.SECOND)
        if project.answers != wanted:
            raise Failure(f"the folder's project has {len(project.answers)} answers")
        self._looks("folder-ask-empty")
        self._asked(*wanted.popitem())
        self.app.key("Ctrl+2")
        self._looks("folder-train")
        if any(path.read_bytes() != content for path, content in before.items()):
            raise Failure("the exported folder was changed")
        self._without_answers(folder, bare)
        self.app.key("Ctrl+1")
        self.screen.drop(self.app.window, bare)
        self.screen.point(*self.screen.AWAY)
        self.app.project("Model alone")
        self._looks("folder-bare")
        self.screen.drop(self.app.window, self.second)
        self.screen.point(*self.screen.AWAY)
        wait("the model's answers are on disk",
             lambda: self.app.projects()["Model alone"].answers == dict(faqs.SECOND), 8 * SLOW)
        self._looks("folder-bare-data")
        self._asked(*faqs.SECOND[0])
        newer = (bare / "nearsay.json").read_text("utf-8").replace('"format": 1', '"format": 9', 1)
        (bare / "nearsay.json").write_text(newer, "utf-8")
        self.screen.drop(self.app.window, bare)
        self.screen.point(*self.screen.AWAY)
        self._looks("folder-newer")
        return f"{len(project.answers)} answers, and a model alone with {len(faqs.SECOND)}"

    def _looks(self, name):
        """Pictures in both themes."""
        if self.shots:
            for look in ("dark", "light"):
                self.app.command(f"{look} appearance")
                self.shot(f"{look}-{name}")

    def _asked(self, right, questions):
        """Asks a known question."""
        self.app.key("Ctrl+3")
        self.screen.type(questions[0])
        answer = self.app.copied(f"the answer to {questions[0]!r}", 8 * SLOW)
        if answer != right:
            raise Failure(f"what was copied is not the answer to {questions[0]!r}: {answer[:80]!r}")
        self._looks("folder-ask")
        self.app.key("Escape")

    @staticmethod
    def _without_answers(folder, bare):
        """A copy of an export, without its answers."""
        shutil.copytree(folder, bare)
        about = json.loads((bare / "nearsay.json").read_text("utf-8"))
        for name in ("answers.jsonl", "answers.safetensors", "plain.safetensors"):
            if about["files"].pop(name, None):
                (bare / name).unlink()
        (bare / "nearsay.json").write_text(json.dumps(about, indent=2), "utf-8")

    def pictures(self):
        """Pictures of all screens, light and dark, and with large text."""
        if not self.shots:
            return "none wanted"
        looks = ("light", "dark", "large")
        for tour in (self._steps, self._sheets, self._views):
            for look in looks:
                self._look(look)
                tour(look)
        return f"in {self.shots}"

    def _look(self, look):
        if look == "large":
            self.app.command("light appearance")
            for _ in range(6):
                self.app.key("Ctrl++")
            self._set("text_size", 200)
        else:
            self.app.key("Ctrl+0")
            self.app.command(f"{look} appearance")
            self._set("appearance", look.capitalize())

    def _set(self, name, value):
        wait(f"the settings say {name} {value}",
             lambda: self.app.settings().get(name) == value, 5 * SLOW)

    def _steps(self, look):
        app = self.app
        app.key("Ctrl+3")
        self.shot(f"{look}-ask-empty")
        for question, name in (("which towns do you send to", "ask"),
                               ("how tall is the moon", "ask-no-answer")):
            self.screen.type(question)
            self.shot(f"{look}-{name}")
            app.key("Escape")
        for keys, name in (("Ctrl+1", "data"), ("Ctrl+2", "train"), ("Ctrl+4", "export")):
            app.key(keys)
            self.shot(f"{look}-{name}")

    def _sheets(self, look):
        app = self.app
        for keys, name in (("Ctrl+k", "commands"), ("F1", "help")):
            app.key(keys)
            self.shot(f"{look}-{name}")
            app.key("Escape")
        for words, name in (("new question", "new-row"), ("paste", "paste"),
                            ("show projects", "projects"), ("show messages", "messages")):
            app.command(words)
            self.shot(f"{look}-{name}")
            app.key("Escape")
        if look != "large":
            self._settings(look)

    def _views(self, look):
        """Taken last, because a step keeps showing them until the user goes back."""
        for words, name in (("gets wrong", "mistakes"), ("suggested fixes", "fixes"),
                            ("topics", "topics")):
            self.app.command(words)
            self.shot(f"{look}-{name}")

    def _settings(self, look):
        """No key opens the settings; Tab reaches them as the seventh control."""
        self.app.key("Ctrl+4")
        for _ in range(7):
            self.app.key("Tab")
        self.app.key("Return")
        self.shot(f"{look}-settings")
        self.app.key("Escape")


def main():
    """Runs the steps and prints the result of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--shots", type=pathlib.Path, help="folder for pictures of the screens")
    given = parser.parse_args()
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nearsay-window-") as base:
        base = pathlib.Path(base)
        app = App(os.path.abspath(given.program), base / "data", x11.Screen())
        journey = Journey(app, base, given.shots)
        steps = [journey.first_start, journey.first_question, journey.drop, journey.train,
                 journey.second_question, journey.undo, journey.dialog, journey.killed,
                 journey.export, journey.pictures, journey.opened_again]
        try:
            for number, step in enumerate(steps, 1):
                at = time.monotonic()
                try:
                    said = step()
                except (Failure, x11.Gone) as failure:
                    print(f"FAILED  {number} {step.__doc__.strip()}\n            {failure}")
                    ended = app.process and app.process.poll()
                    if ended is not None:
                        print(f"            the program had ended, with {ended}")
                    if given.shots:
                        app.screen.shot(app.screen.root, given.shots / "failed.png")
                    return 1
                took = time.monotonic() - at
                print(f"ok {took:5.1f} s  {number} {step.__doc__.strip()}\n            {said}",
                      flush=True)
        finally:
            app.end()
    print(f"all well, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
