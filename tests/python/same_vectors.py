"""Loads a model directory in sentence-transformers and compares its vectors with Nearsay's.

usage: same_vectors.py MODEL TEXTS VECTORS
TEXTS has one text per line, VECTORS one JSON array per line (from `nearsay encode MODEL --json`).
Prints the versions and the smallest cosine similarity; fails below 0.99999.
"""

import json
import sys

import numpy
import sentence_transformers
import transformers

model, texts, vectors = sys.argv[1:]
texts = open(texts, encoding="utf-8").read().splitlines()
ours = numpy.array([json.loads(line) for line in open(vectors, encoding="utf-8")])
theirs = sentence_transformers.SentenceTransformer(model, device="cpu").encode(texts)
assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
lengths = numpy.linalg.norm(ours, axis=1) * numpy.linalg.norm(theirs, axis=1)
# Static embeddings map a text of unknown words to the zero vector; then both must be zero.
nothing = ~ours.any(axis=1) & ~theirs.any(axis=1)
assert (lengths[~nothing] > 0).all()
cosine = numpy.where(nothing, 1, (ours * theirs).sum(axis=1) / numpy.where(nothing, 1, lengths))
print(
    f"sentence-transformers {sentence_transformers.__version__}, "
    f"transformers {transformers.__version__}: {len(texts)} texts, "
    f"smallest cosine {cosine.min():.8f}, largest difference {abs(ours - theirs).max():.2e}"
)
assert cosine.min() >= 0.99999
