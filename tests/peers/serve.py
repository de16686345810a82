"""Serves a model directory with sentence-transformers, as core/examples/serve.rs does.

usage: serve.py FOLDER PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

folder, port = sys.argv[1:]
model = SentenceTransformer(folder, device="cpu")
vectors = load_file(f"{folder}/answers.safetensors")["vectors"]
answers = []
with open(f"{folder}/answers.jsonl", encoding="utf-8") as lines:
    for line in lines:
        known = json.loads(line)
        answers += [known["answer"]] * (1 + len(known["questions"]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Each reply is one packet, sent at once.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"])).decode()
        vector = model.encode(question, convert_to_tensor=True, show_progress_bar=False)
        answer = answers[int((vectors @ vector).argmax())].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
