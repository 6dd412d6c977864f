"""A small stand-in for MNIST, and a real server that can be made to serve it badly."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from rungwise.data.files import locate
from rungwise.data.files.known import KNOWN, File
from rungwise.data.sources.catalogue import CATALOGUE
from rungwise.data.sources.idx_files import IdxFiles
from rungwise.data.sources.multi_mnist import MultiMnist


def idx(array: np.ndarray) -> bytes:
    """The IDX bytes of a uint8 array."""
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def contents() -> dict[str, bytes]:
    """The uncompressed files of a data set with 40 training and 12 test images of 28x28, by name."""
    random = np.random.default_rng(1)
    return {
        "train-images-idx3-ubyte": idx(random.integers(0, 256, (40, 28, 28), np.uint8)),
        "train-labels-idx1-ubyte": idx(random.integers(0, 10, 40, np.uint8)),
        "t10k-images-idx3-ubyte": idx(random.integers(0, 256, (12, 28, 28), np.uint8)),
        "t10k-labels-idx1-ubyte": idx(random.integers(0, 10, 12, np.uint8)),
    }


class Server:
    """Answers are set by path; each is (status, body, headers). Counts what it is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, body, headers = outer.answers.get(self.path, (404, b"", {}))
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:  # the client has heard enough
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def give(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Sets the answer; underscores in header names stand for hyphens."""
        self.answers[path] = (status, body, {key.replace("_", "-"): value for key, value in headers.items()})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no RUNGWISE_DATA and no Debian package; the folder of "mnist" in that cache."""
    monkeypatch.setattr(locate.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.delenv("RUNGWISE_DATA", raising=False)
    monkeypatch.setattr(locate, "DEBIAN", {})
    return tmp_path / "cache" / "rungwise" / "data" / "mnist"


@pytest.fixture
def small_mnist(
    contents: dict[str, bytes], cache: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> tuple[File, ...]:
    """Puts the stand-in into the catalogue as "mnist", with /good/ on the server as its only mirror."""
    files = tuple(
        File("mnist", name, len(content), hashlib.sha256(content).hexdigest(), (f"{server.url}/good/",))
        for name, content in contents.items()
    )
    small = IdxFiles(replace(CATALOGUE["mnist"].facts, train_images=40, test_images=12), files)
    monkeypatch.setitem(KNOWN, "mnist", files)
    monkeypatch.setitem(CATALOGUE, "mnist", small)
    monkeypatch.setitem(CATALOGUE, "multi-mnist", MultiMnist(CATALOGUE["multi-mnist"].facts, small))
    for name, content in contents.items():
        server.give(f"/good/{name}.gz", gzip.compress(content))
    return files
