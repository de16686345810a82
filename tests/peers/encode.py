"""Encoding texts with all-MiniLM-L6-v2, with the fastest settings of each library.

loads: {"engine": one of ENGINES, "model": DIR, "onnx": DIR, "texts": FILE}
a pass: all texts of FILE, tokenised and encoded, sorted by length, in batches of the fastest size
"""

import os
from collections.abc import Callable

import numpy
import torch
from worker import THREADS, Pass, Request, fastest, serve, texts_of, timed

Encode = Callable[[list[str], int], object]

BATCHES = (8, 16, 32, 64)


def by_sentence_transformers(request: Request) -> dict[str, Encode]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(request["model"], device="cpu")
    return {"fp32": lambda texts, batch: model.encode(texts, batch_size=batch)}


def by_bf16(request: Request) -> dict[str, Encode]:
    """PyTorch at reduced precision: under autocast, and with bf16 weights."""
    from sentence_transformers import SentenceTransformer

    whole = SentenceTransformer(request["model"], device="cpu").bfloat16()
    model = SentenceTransformer(request["model"], device="cpu")

    def autocast(texts: list[str], batch: int) -> object:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model.encode(texts, batch_size=batch)

    def bfloat16(texts: list[str], batch: int) -> object:
        return whole.encode(texts, batch_size=batch, convert_to_tensor=True)

    return {"autocast": autocast, "bfloat16()": bfloat16}


def by_onnx(precision: str) -> Callable[[Request], dict[str, Encode]]:
    def load(request: Request) -> dict[str, Encode]:
        kinds = ("plain", "fused")
        return {
            kind: onnx_encoder(
                os.path.join(request["onnx"], f"{precision}_{kind}.onnx"), request["model"]
            )
            for kind in kinds
        }

    return load


def onnx_encoder(file: str, model: str) -> Encode:
    import onnxruntime
    from transformers import AutoTokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    tokenizer = AutoTokenizer.from_pretrained(model)

    def encode(texts: list[str], batch: int) -> numpy.ndarray:
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]), reverse=True)
        vectors = numpy.empty((len(texts), 384), numpy.float32)
        for start in range(0, len(order), batch):
            numbers = order[start : start + batch]
            tokens = tokenizer(
                [texts[number] for number in numbers],
                padding=True,
                truncation=True,
                max_length=256,
                return_token_type_ids=False,
                return_tensors="np",
            )
            vectors[numbers] = session.run(None, dict(tokens))[0]
        return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)

    return encode


ENGINES: dict[str, Callable[[Request], dict[str, Encode]]] = {
    "sentence-transformers": by_sentence_transformers,
    "bf16": by_bf16,
    "onnx fp32": by_onnx("fp32"),
    "onnx int8": by_onnx("int8"),
}


def load(request: Request) -> tuple[str, Pass]:
    torch.set_num_threads(THREADS)
    encoders = ENGINES[request["engine"]](request)
    texts = texts_of(request)
    sample = texts[:: max(1, len(texts) // 200)]
    variants = {
        f"{kind}, batches of {batch}": (encode, batch)
        for kind, encode in encoders.items()
        for batch in BATCHES
    }
    best = fastest(
        {
            name: lambda encode=encode, batch=batch: encode(sample, batch)
            for name, (encode, batch) in variants.items()
        }
    )
    encode, batch = variants[best]
    encode(texts, batch)
    return best, lambda _: timed(lambda: encode(texts, batch))


if __name__ == "__main__":
    serve(load, "torch", "sentence-transformers", "transformers", "onnxruntime")
