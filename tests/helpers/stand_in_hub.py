"""A server on this machine that stands in for the Hugging Face hub: repositories of files; some may hang.

with StandInHub({"owner/name": {"config.json": b"…"}}) as hub:
    hub.hangs_after["model.safetensors"] = 1000    # so many bytes of it come, then nothing more
    hub.hanging.wait()                             # until that has happened
    hub.headers                                    # of every request
"""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

Repositories = dict[str, dict[str, bytes]]


class StandInHub:
    def __init__(self, repositories: Repositories, kind: str = "models") -> None:
        self.repositories, self.kind = repositories, kind
        self.hangs_after: dict[str, int] = {}
        self.hanging, self.let_go = threading.Event(), threading.Event()
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def settle(self, monkeypatch: pytest.MonkeyPatch, cache: str) -> None:
        """The libraries of the hub, here and in child processes, use this one and an empty cache."""
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{self._server.server_address[1]}")
        monkeypatch.setenv("HF_HOME", cache)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", f"{cache}/hub")

    def __enter__(self) -> "StandInHub":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str) -> bytes | None:
        """What the hub's interface says at a path; None where there is nothing."""
        for name, files in self.repositories.items():
            sha = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
            interface = f"/api/{self.kind}/{name}"
            if path in (interface, f"{interface}/revision/main", f"{interface}/revision/{sha}"):
                siblings = [{"rfilename": file} for file in files]
                return json.dumps({"id": name, "sha": sha, "siblings": siblings, "tags": []}).encode()
            if path.startswith(f"{interface}/tree/"):
                rows = [
                    {"type": "file", "path": file, "size": len(content), "oid": _oid(content)}
                    for file, content in files.items()
                ]
                return json.dumps(rows).encode()
        return None

    def file(self, path: str) -> tuple[str, bytes, str] | None:
        """Name, content and revision of what is to be downloaded at a path."""
        prefix = "" if self.kind == "models" else f"/{self.kind}"
        for name, files in self.repositories.items():
            sha = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
            for revision in (sha, "main"):
                start = f"{prefix}/{name}/resolve/{revision}/"
                file = path.removeprefix(start)
                if path.startswith(start) and file in files:
                    return file, files[file], sha
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:  # the base class's names
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(body=True)

            def _answer(self, *, body: bool) -> None:
                owner.headers.append(dict(self.headers))
                owner.paths.append(self.path)
                path = unquote(urlsplit(self.path).path)
                said, found = owner.answer(path), owner.file(path)
                if said is None and found is None:
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound" if "resolve" in path else "RepoNotFound")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                content = said if found is None else found[1]
                assert content is not None
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Content-Type", "application/json" if found is None else "text/plain")
                if found is not None:
                    self.send_header("ETag", f'"{_oid(content)}"')
                    self.send_header("X-Repo-Commit", found[2])
                self.end_headers()
                if body:
                    self._send(content, owner.hangs_after.get(found[0]) if found else None)

            def _send(self, content: bytes, hangs_after: int | None) -> None:
                self.wfile.write(content[:hangs_after])
                self.wfile.flush()
                if hangs_after is not None:
                    owner.hanging.set()
                    owner.let_go.wait()
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr."""

        return Handler


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
