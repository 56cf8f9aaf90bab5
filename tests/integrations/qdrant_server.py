"""A server with Qdrant's routes that the export uses, over Qdrant's own engine in this process (Qdrant Edge)."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONFIG = {
    "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
    "optimizer_config": {
        "deleted_threshold": 0.2,
        "vacuum_min_vector_number": 1000,
        "default_segment_number": 0,
        "flush_interval_sec": 5,
    },
}


class Engine:
    """Shards by the name of their collection; after `fail_after` batches of points it refuses more."""

    def __init__(self, folder):
        import qdrant_edge  # here, so that this file can be imported without it

        self.edge = qdrant_edge
        self.folder, self.shards, self.params, self.upserts, self.fail_after = folder, {}, {}, [], None

    def answer(self, method, path, body):
        name, *rest = path.removeprefix("/collections/").split("/")
        route = (method, "/".join(rest))
        if route == ("GET", "exists"):
            return {"exists": name in self.shards}
        if route == ("PUT", ""):
            params = body["vectors"]
            vectors = self.edge.EdgeVectorParams(
                size=params["size"], distance=getattr(self.edge.Distance, params["distance"])
            )
            (self.folder / name).mkdir()
            self.shards[name] = self.edge.EdgeShard.create(
                str(self.folder / name), self.edge.EdgeConfig(vectors=vectors)
            )
            self.params[name] = params
            return True
        shard = self.shards[name]
        if route == ("GET", ""):
            config = {"params": {"vectors": self.params[name]}, **CONFIG}
            return {
                "status": "green",
                "optimizer_status": "ok",
                "segments_count": 1,
                "config": config,
                "payload_schema": {},
            }
        if route == ("PUT", "points"):
            if self.fail_after is not None and len(self.upserts) >= self.fail_after:
                raise RuntimeError("the disk is full")
            points = [self.edge.Point(point["id"], point["vector"], point["payload"]) for point in body["points"]]
            shard.update(self.edge.UpdateOperation.upsert_points(points))
            self.upserts.append(len(points))
            return {"operation_id": len(self.upserts), "status": "completed"}
        if route == ("POST", "points/count"):
            return {"count": shard.count(self.edge.CountRequest(exact=True))}
        if route == ("POST", "points"):
            found = shard.retrieve(body["ids"], with_payload=True, with_vector=bool(body.get("with_vector")))
            return [{"id": str(r.id), "payload": r.payload, "vector": r.vector} for r in found]
        assert route == ("POST", "points/query/batch"), route
        return [{"points": self.search(shard, request)} for request in body["searches"]]

    def search(self, shard, request):
        nearest = self.edge.Query.Nearest(request["query"]["nearest"])
        query = self.edge.QueryRequest(limit=request["limit"], query=nearest, with_payload=True)
        return [{"id": str(p.id), "version": 0, "score": p.score, "payload": p.payload} for p in shard.query(query)]


@contextmanager
def serving(engine):
    """The server's address, while it runs."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, result = 200, None
            try:
                result = engine.answer(self.command, self.path.partition("?")[0], json.loads(body or "null"))
                said = {"result": result, "status": "ok", "time": 0.0}
            except Exception as error:
                status, said = 500, {"status": {"error": str(error)}, "time": 0.0}
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = reply

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
