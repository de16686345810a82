"""Loads models of `nearsay train` and their ONNX exports in other programs, and compares the vectors.

usage: readers.py [--reader NAME]... [--activations] NEARSAY MODEL...
NEARSAY is the program, MODEL a model directory. Runs all readers that this Python has, or the named ones
(see READERS); `readers/run` runs all of them in environments with pinned versions. With --activations, each
model is also read with additional Dense modules, one for every supported activation.

Prints for each reader the smallest cosine over the texts, the number of vectors that equal Nearsay's to 1e-6,
and the number that equal them bit for bit; fails if a cosine is below 0.99999 or no reader was found.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[1] / "data"
# Where `readers/run` installs JavaScript packages.
NODE = pathlib.Path(os.environ.get("NEARSAY_READERS", pathlib.Path.home() / ".cache/nearsay-readers")) / "node"
LEAST = 0.99999
BATCH = 32

ODD = [
    "", " ", "\t", "\u00a0", "\u3000 \u2003", "\x0b\x0c\x85\u2028\u2029", "\ufeff", "\u200b", "\x00", "\x01\x02\x7f",
    "🙂", "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇨🇭", "e\u0301\u0323 \u0301", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!",
    "図書館はどこですか", "图书馆在哪里？", "도서관 카드", "ห้องสมุดเปิดกี่โมง", "पुस्तकालय कहाँ है?", "Где книга?",
    "أين المكتبة؟", "איפה הספרייה?", "שלום \u202ehello\u202c عالم", "\u200fcard\u200e", "ΟΔΥΣΣΕΥΣ Σ", "İstanbul ıI\u0307",
    "straße STRASSE ẞ", "naïve café", "１２３ Ｃａｒｄ", "ǅ ǆ ﬁne ㎏ ℌ", "\U00010400\U00010428", "\ue000\uf8ff\U000f0000",
    "\u0378\u0380 \U000e0041", "\uf900\U0002f800", "a\x00b\u200bc\u00add", "[UNK] [MASK] [CLS] card [SEP] [PAD]", "##ing ##",
    "``x'' $5+tax=<b>&amp;</b>", "e-mail/wi-fi @ 10:30?!", "http://x.example/a?b=c&d=%20#e", "w" * 100, "w" * 101, "w" * 5000,
    "word " * 300, "図" * 600, "é" * 700, "?!" * 400, " ".join(str(n) for n in range(500)), "  a  \t b  ", "it's don't I'm",
]  # fmt: skip

# Alphabets of generated texts.
RANGES = [
    (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF),
    (0x10A0, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x2BFF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
    (0xF900, 0xFFEF), (0x10000, 0x1FBFF), (0x20000, 0x2FA1F),
]  # fmt: skip


def texts():
    """500 texts: unusual ones, questions and answers, long texts, and generated texts in many scripts."""
    rows = [json.loads(line) for line in (DATA / "library_questions.jsonl").open(encoding="utf-8")]
    faq = [json.loads(line) for line in (DATA / "library_faq.jsonl").open(encoding="utf-8")]
    answers = [row["answer"].replace("\n", " ") for row in faq]
    found = ODD + [row["question"] for row in rows[::3]] + answers[::4]
    found += [" ".join(answers[n : n + 30]) for n in range(0, 300, 30)]
    return found + made_up(500 - len(found))


def made_up(count):
    rng, found = random.Random(1), []
    while len(found) < count:
        ranges = rng.sample(RANGES, rng.randint(1, 3))
        letters = [chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randint(1, 200))]
        found.append("".join(letter if rng.random() < 0.85 else " " for letter in letters))
    return found


def batches(texts):
    """Encodes the unusual texts one by one, without padding, and the others in batches."""
    yield from ([text] for text in texts[: len(ODD)])
    for start in range(len(ODD), len(texts), BATCH):
        yield texts[start : start + BATCH]


def sentence_transformers(model, onnx, texts):
    from sentence_transformers import SentenceTransformer, models

    if (model / "0_StaticEmbedding").exists() and not hasattr(models, "StaticEmbedding"):
        return "knows no tables; 3.2 is the first version that does"
    return SentenceTransformer(str(model), device="cpu").encode(texts, batch_size=BATCH)


def sentence_transformers_onnx(model, onnx, texts):
    from sentence_transformers import SentenceTransformer

    if not (onnx / "modules.json").exists():
        return "runs networks only, not tables"
    return SentenceTransformer(str(onnx), device="cpu", backend="onnx").encode(texts, batch_size=BATCH)


def onnxruntime(model, onnx, texts):
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    session = InferenceSession(onnx / "onnx/model.onnx", providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(onnx / "tokenizer.json"))
    vectors = []
    for batch in batches(texts):
        encoded = tokenizer.encode_batch(batch)
        ids = numpy.array([text.ids for text in encoded], dtype=numpy.int64)
        mask = numpy.array([text.attention_mask for text in encoded], dtype=numpy.int64)
        vectors += list(session.run(["sentence_embedding"], {"input_ids": ids, "attention_mask": mask})[0])
    return vectors


def fastembed(model, onnx, texts):
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model=str(onnx),
        pooling=PoolingType.DISABLED,
        normalization=False,
        sources=ModelSource(hf=str(onnx)),
        dim=1,
        output_name="sentence_embedding",
    )
    read = TextEmbedding(str(onnx), specific_model_path=str(onnx))
    return [vector for batch in batches(texts) for vector in read.embed(batch)]


def transformers_js(model, onnx, texts):
    # This reader has its own tokenizer: truncated texts lose their [SEP], and rare characters differ.
    texts = [text for text in texts if same_in_javascript(text)]
    command = ["node", "--input-type=module", "-", str(onnx), str(len(ODD)), str(BATCH)]
    script = (HERE / "readers/transformers_js.mjs").read_text()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        done = subprocess.run([*command, file.name], cwd=NODE, input=script, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same_in_javascript(text):
    return len(text) <= 250 and "Σ" not in text and text not in MADE_UP


# Packages that each reader needs.
READERS = {
    "sentence-transformers": (sentence_transformers, ["sentence_transformers"]),
    "sentence-transformers-onnx": (sentence_transformers_onnx, ["sentence_transformers", "optimum.onnxruntime"]),
    "onnxruntime": (onnxruntime, ["onnxruntime", "tokenizers"]),
    "fastembed": (fastembed, ["fastembed"]),
    "transformers.js": (transformers_js, ["node:@huggingface/transformers"]),
}


def is_here(package):
    if package.startswith("node:"):
        return (NODE / "node_modules" / package[5:]).exists()
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def version(package):
    if package.startswith("node:"):
        about = NODE / "node_modules" / package[5:] / "package.json"
        return f"{package[5:]} {json.loads(about.read_text())['version']}"
    name = package.split(".")[0].replace("optimum", "optimum-onnx").replace("_", "-")
    return f"{name} {importlib.metadata.version(name)}"


def versions(packages):
    also = ["transformers"] if "sentence_transformers" in packages else []
    return ", ".join(map(version, packages + also))


def with_activations(model, folder):
    """Copies a model and adds a Dense module for each activation."""
    from safetensors.numpy import save_file

    shutil.copytree(model, folder)
    modules = json.loads((folder / "modules.json").read_text())
    vector = encode(folder, ["a"])[0]
    rng, dim = numpy.random.default_rng(1), len(vector)
    added = []
    for name in ["activation.Tanh", "activation.ReLU", "activation.GELU", "activation.Sigmoid", "linear.Identity"]:
        path, out = f"{len(modules) + len(added)}_Dense", dim + 7
        (folder / path).mkdir()
        settings = {"in_features": dim, "out_features": out, "bias": True}
        settings["activation_function"] = f"torch.nn.modules.{name}"
        (folder / path / "config.json").write_text(json.dumps(settings))
        weight = rng.normal(0, 2 * dim**-0.5, (out, dim)).astype(numpy.float32)
        bias = rng.normal(0, 0.1, out).astype(numpy.float32)
        save_file({"linear.weight": weight, "linear.bias": bias}, folder / path / "model.safetensors")
        added.append({"path": path, "type": "sentence_transformers.models.Dense"})
        dim = out
    modules[-1:-1] = added
    for number, module in enumerate(modules):
        module.update(idx=number, name=str(number))
    (folder / "modules.json").write_text(json.dumps(modules))
    manifest = json.loads((folder / "nearsay.json").read_text())
    new = [f"{layer['path']}/{name}" for layer in added for name in ("config.json", "model.safetensors")]
    for name in [*manifest["files"], *new]:
        content = (folder / name).read_bytes()
        manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "nearsay.json").write_text(json.dumps(manifest))
    return folder


def nearsay(*arguments, lines=""):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def encode(model, texts):
    said = nearsay("encode", model, "--json", lines="".join(text + "\n" for text in texts))
    return numpy.array([json.loads(line) for line in said.splitlines()], dtype=numpy.float32)


def compare(ours, theirs):
    """Cosines, and the numbers of nearly and exactly equal vectors."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    wide, other = ours.astype(numpy.float64), theirs.astype(numpy.float64)
    lengths = numpy.linalg.norm(wide, axis=1) * numpy.linalg.norm(other, axis=1)
    # Static embeddings map a text without tokens to the zero vector; then both must be zero.
    nothing = ~wide.any(axis=1) & ~other.any(axis=1)
    cosine = numpy.where(nothing, 1, (wide * other).sum(axis=1) / numpy.where(lengths > 0, lengths, numpy.inf))
    return cosine, (abs(wide - other).max(axis=1) <= 1e-6).sum(), (ours == theirs).all(axis=1).sum()


def check(model, readers, temporary):
    """Runs the readers on a model; returns whether all vectors match."""
    onnx = temporary / f"{model.name}-onnx"
    nearsay("export", model, "--to", "onnx", onnx)
    if is_here("onnx"):
        import onnx as format

        format.checker.check_model(str(onnx / "onnx/model.onnx"), full_check=True)
    ours, same = encode(model, TEXTS), True
    for name in readers:
        read, needs = READERS[name]
        theirs = read(model, onnx, TEXTS)
        who = f"{model.name}: {name} ({versions(needs)})"
        if isinstance(theirs, str):
            print(f"{who}: {theirs}", flush=True)
            continue
        js = name == "transformers.js"
        numbers = [number for number, text in enumerate(TEXTS) if not js or same_in_javascript(text)]
        cosine, near, exact = compare(ours[numbers], numpy.array(theirs, dtype=numpy.float32))
        print(f"{who}: {len(numbers)} texts, least cosine {cosine.min():.9f}, "
              f"{near} vectors to 1e-6, {exact} to the last bit", flush=True)  # fmt: skip
        for place in numpy.argsort(cosine)[:5]:
            if not cosine[place] >= LEAST:
                same = False
                print(f"  {cosine[place]:.6f} {TEXTS[numbers[place]][:60]!r}")
    return same


parser = argparse.ArgumentParser()
parser.add_argument("--reader", action="append", choices=READERS)
parser.add_argument("--activations", action="store_true")
parser.add_argument("nearsay")
parser.add_argument("models", nargs="+", type=pathlib.Path)
asked = parser.parse_args()
PROGRAM, TEXTS = asked.nearsay, texts()
MADE_UP = set(made_up(len(TEXTS)))
readers = asked.reader or [name for name, (_, needs) in READERS.items() if all(map(is_here, needs))]
if not readers:
    sys.exit("this Python has none of the readers; see tests/export/readers/run")
with tempfile.TemporaryDirectory() as temporary:
    temporary = pathlib.Path(temporary)
    models = asked.models
    if asked.activations:
        models = models + [with_activations(model, temporary / f"{model.name}-activations") for model in models]
    all_same = [check(model, readers, temporary) for model in models]
sys.exit(not all(all_same))
