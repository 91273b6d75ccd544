"""A small HTTP server on this machine that stands in for a package index and its file host.

with RangeServer({"/file": content}) as server:
    server.cut_after = [1000, 50]     # the first two answers break off after so many bytes
    server.ignores_range = True       # every answer is the whole file
    server.url("/file"), server.ranges     # where it is; every request's Range header (also headers, paths)
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class RangeServer:
    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.cut_after: list[int] = []
        self.ignores_range = False
        self.status: int | None = None
        self.ranges: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self) -> "RangeServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the base class's name
                owner.headers.append(dict(self.headers))
                owner.paths.append(self.path)
                owner.ranges.append(self.headers.get("Range", ""))
                content = owner.files.get(self.path)
                if owner.status is not None or content is None:
                    self.send_error(owner.status or 404)
                    return
                start = 0 if owner.ignores_range else _start(owner.ranges[-1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                rest = content[start:]
                self.wfile.write(rest[: owner.cut_after.pop(0)] if owner.cut_after else rest)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr."""

        return Handler


def _start(header: str) -> int:
    return int(header.removeprefix("bytes=").rstrip("-")) if header else 0
