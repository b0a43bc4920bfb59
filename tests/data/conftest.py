"""A small server on localhost for downloads."""

import http.server
import re
import threading
from contextlib import contextmanager

import pytest


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` under every path. break_after: bytes of the body, answer by answer."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag = content, '"one"'
        self.ranges, self.break_after, self.asked = True, [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/things.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        start = int(re.match(r"bytes=(\d+)-", wanted).group(1)) if wanted else 0
        changed = self.headers.get("If-Range") not in (None, server.etag)
        if not server.ranges or changed:
            start = 0
        size = len(server.content)
        if start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.send_header("ETag", server.etag)
        self.end_headers()
        body = server.content[start:]
        if server.break_after:
            body = body[: server.break_after.pop(0)]
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serving():
    """Call it with the bytes to serve: the server, for the length of a with block."""
    return _serving


@contextmanager
def _serving(content):
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
