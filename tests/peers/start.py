"""Time from process start to first answer of a short script with sentence-transformers.

usage: start.py MODEL_DIR ANSWERS.json VECTORS.f32 QUESTION
The answers are embedded in advance, their vectors have unit length.
"""

import json
import sys

import numpy
import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(2)
folder, answers, vectors, question = sys.argv[1:]
model = SentenceTransformer(folder, device="cpu")
with open(answers, encoding="utf-8") as file:
    texts = json.load(file)
rows = numpy.fromfile(vectors, numpy.float32).reshape(len(texts), -1)
scores = rows @ model.encode(question, show_progress_bar=False)
print(texts[scores.argmax()])
