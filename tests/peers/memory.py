"""Peak memory of embedding texts with sentence-transformers.

usage: memory.py MODEL_DIR TEXTS.json
Prints {"wall": seconds, "cpu": seconds, "peak_mb": MB}.
"""

import json
import sys

import torch
from sentence_transformers import SentenceTransformer
from worker import THREADS, peak_mb, texts_of, timed

torch.set_num_threads(THREADS)
folder, texts = sys.argv[1:]
model = SentenceTransformer(folder, device="cpu")
everything = texts_of({"texts": texts})
cost = timed(lambda: model.encode(everything, show_progress_bar=False))
print(json.dumps(cost | {"peak_mb": peak_mb()}))
