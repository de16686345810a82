"""Loads model directories in sentence-transformers and compares their vectors with Nearsay's.

usage: same_vectors.py TEXTS [MODEL VECTORS]...
TEXTS has one text per line, VECTORS one JSON array per line (from `nearsay encode MODEL --json`).
Prints the versions and, for each model, the smallest cosine similarity; fails below 0.99999.
"""

import json
import sys

import numpy
import sentence_transformers
import transformers

print(f"sentence-transformers {sentence_transformers.__version__}, transformers {transformers.__version__}")
texts = open(sys.argv[1], encoding="utf-8").read().splitlines()
for model, vectors in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    ours = numpy.array([json.loads(line) for line in open(vectors, encoding="utf-8")])
    theirs = sentence_transformers.SentenceTransformer(model, device="cpu").encode(texts)
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    lengths = numpy.linalg.norm(ours, axis=1) * numpy.linalg.norm(theirs, axis=1)
    # Static embeddings map a text of unknown words to the zero vector; then both must be zero.
    zero = ~ours.any(axis=1) & ~theirs.any(axis=1)
    assert (lengths[~zero] > 0).all()
    cosine = numpy.where(zero, 1, (ours * theirs).sum(axis=1) / numpy.where(zero, 1, lengths))
    print(
        f"{model}: {len(texts)} texts, smallest cosine {cosine.min():.8f}, "
        f"largest difference {abs(ours - theirs).max():.2e}"
    )
    assert cosine.min() >= 0.99999, model
