"""An in-memory stand-in for a Qdrant server, with the REST calls that Nearsay makes.

Package registries have only Qdrant's engine (see same_answers.py), not the server. This stand-in
validates every request against the models of Qdrant's Python client, rejects unknown fields, and
uses that client's local mode for cosine search, filters and groups.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pydantic
from qdrant_client import QdrantClient
from qdrant_client.http import models

KEY = "a key"


class QdrantServer(ThreadingHTTPServer):
    """Serves on a free port until closed."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.client = QdrantClient(":memory:")
        self.sent = []  # points of each upsert
        self.busy = 0  # number of calls to answer with 503
        self.upserts_left = None  # upserts until calls are refused
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, result):
        text = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def call(self):
        server, client = self.server, self.server.client
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("api-key") != KEY:
            return self.answer(401, None)
        if server.busy > 0:
            server.busy -= 1
            return self.answer(503, None)
        found = re.fullmatch(r"/collections/([\w.-]+)((?:/\w+)*)(\?wait=true)?", self.path)
        if found is None:
            return self.answer(400, None)
        name, call = found[1], f"{self.command} {found[2]}"
        if not client.collection_exists(name) and call != "PUT ":
            return self.answer(404, None)
        if call == "GET ":
            return self.answer(200, client.get_collection(name).model_dump(mode="json"))
        try:
            result = self.change(name, call, body)
        except pydantic.ValidationError as error:
            print("refused:", error)
            return self.answer(400, None)
        if result is None:
            return self.answer(405, None)
        return self.answer(200, json.loads(json.dumps(result, default=lambda model: model.model_dump(mode="json"))))

    do_GET = do_PUT = do_POST = call

    def change(self, name, call, body):
        server, client = self.server, self.server.client
        if call == "PUT ":
            asked = models.CreateCollection.model_validate_json(body)
            return client.create_collection(name, vectors_config=asked.vectors)
        if call == "PUT /index":
            models.CreateFieldIndex.model_validate_json(body)
            return True  # local mode needs none
        if call == "POST /points":
            asked = models.PointRequest.model_validate_json(body)
            return client.retrieve(name, asked.ids, with_payload=asked.with_payload, with_vectors=asked.with_vector)
        if call == "PUT /points":
            asked = models.PointsList.model_validate_json(body)
            if server.upserts_left == 0:
                return None
            if server.upserts_left is not None:
                server.upserts_left -= 1
            server.sent.append(len(asked.points))
            return client.upsert(name, asked.points)
        if call == "POST /points/delete":
            asked = models.FilterSelector.model_validate_json(body)
            return client.delete(name, asked)
        if call == "POST /points/query/groups":
            asked = models.QueryGroupsRequest.model_validate_json(body)
            return client.query_points_groups(
                name, group_by=asked.group_by, query=asked.query, limit=asked.limit, group_size=asked.group_size,
                with_payload=asked.with_payload,
            )
        return None
