"""Small stand-ins for the data sets that have files, and a real server that can be made to serve them badly."""

import gzip
import hashlib
import io
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from rungwise.data.files import locate
from rungwise.data.files.known import KNOWN, Archive, File
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
def data_folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which RUNGWISE_DATA names."""
    monkeypatch.setenv("RUNGWISE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


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


@dataclass(frozen=True)
class Made:
    """A stand-in in the place of a data set of the table: its files, what is in them, and how they are published."""

    files: tuple[File, ...]
    contents: Mapping[str, bytes]
    """Uncompressed, by name."""
    packed: Mapping[str, bytes]
    """The gzip files, or the one archive, by name."""

    @property
    def archive(self) -> bytes:
        (packed,) = (content for name, content in self.packed.items() if not name.endswith("ubyte.gz"))
        return packed


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(members: Mapping[str, bytes]) -> bytes:
    """A gzipped TAR archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def idx_files(classes: int, each: tuple[int, int], first_label: int = 0) -> dict[str, bytes]:
    """Four IDX files of 28 x 28 noise, by kind; `each`: images of a class to train and to test on."""
    random = np.random.default_rng(classes)
    files = {}
    for part, count in zip(("train", "test"), each, strict=True):
        labels = np.tile(np.arange(classes, dtype=np.uint8), count)
        files[f"{part}-images"] = idx(random.integers(0, 256, (len(labels), 28, 28), np.uint8))
        files[f"{part}-labels"] = idx(labels + np.uint8(first_label))
    return files


@pytest.fixture
def put(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts files and facts into the table in the place of a data set of that name."""

    def put(name: str, files: tuple[File, ...], **facts: object) -> None:
        source = CATALOGUE[name]
        monkeypatch.setitem(KNOWN, name, files)
        monkeypatch.setitem(CATALOGUE, name, replace(source, facts=replace(source.facts, **facts), files=files))

    return put


@pytest.fixture
def small_kmnist(put: Callable[..., None], server: Server) -> Made:
    """Kuzushiji-MNIST with 4 + 1 images of a class; as of the real one, its gzip files have the checksums."""
    kinds = {"train": "train", "test": "t10k"}
    contents = {
        f"{kinds[name.split('-')[0]]}-{name.split('-')[1]}-idx{3 if 'images' in name else 1}-ubyte": content
        for name, content in idx_files(10, (4, 1)).items()
    }
    packed = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in contents.items()}
    files = tuple(
        File("kmnist", name, len(content), "", (f"{server.url}/kmnist",), packed_sha256=sha256(packed[f"{name}.gz"]))
        for name, content in contents.items()
    )
    put("kmnist", files, train_images=40, test_images=10)
    for name, content in packed.items():
        server.give(f"/kmnist/{name}", content)
    return Made(files, contents, packed)


@pytest.fixture
def small_emnist(put: Callable[..., None], server: Server) -> dict[str, Made]:
    """EMNIST's three splits with 2 + 1 images of a class, in one ZIP archive at /emnist/gzip.zip."""
    classes = {"balanced": 47, "letters": 26, "digits": 10}
    contents: dict[str, dict[str, bytes]] = {
        split: {
            f"emnist-{split}-{name}-idx{3 if 'images' in name else 1}-ubyte": content
            for name, content in idx_files(count, (2, 1), first_label=split == "letters").items()
        }
        for split, count in classes.items()
    }
    packed = {
        f"{name}.gz": gzip.compress(content, mtime=0) for split in contents.values() for name, content in split.items()
    }
    bundle = zipped(
        {f"gzip/{name}": content for name, content in packed.items()} | {"gzip/emnist-mapping.txt": b"0 48"}
    )
    archive = Archive("gzip.zip", len(bundle), sha256(bundle), (f"{server.url}/emnist/gzip.zip",), "gzip")
    server.give("/emnist/gzip.zip", bundle)
    made = {}
    for split, count in classes.items():
        files = tuple(
            File(
                f"emnist-{split}",
                name,
                len(content),
                packed_sha256=sha256(packed[f"{name}.gz"]),
                archive=archive,
                shared_folder="emnist",
            )
            for name, content in contents[split].items()
        )
        put(f"emnist-{split}", files, train_images=2 * count, test_images=count)
        own = {f"{name}.gz": packed[f"{name}.gz"] for name in contents[split]}
        made[split] = Made(files, contents[split], own | {"gzip.zip": bundle})
    return made


@pytest.fixture
def small_cifar10(put: Callable[..., None], server: Server) -> Made:
    """CIFAR-10 with five training batches of 4 images and a test batch of 10, at /cifar-10-binary.tar.gz."""
    random = np.random.default_rng(4)
    contents = {}
    for name, count in {**{f"data_batch_{i}.bin": 4 for i in range(1, 6)}, "test_batch.bin": 10}.items():
        records = random.integers(0, 256, (count, 3073), np.uint8)
        records[:, 0] = (np.arange(count) * 3 + len(contents) * 4) % 10
        contents[name] = records.tobytes()
    members = {f"cifar-10-batches-bin/{name}": content for name, content in contents.items()}
    bundle = tarred({"cifar-10-batches-bin/readme.html": b"<html>"} | members)
    archive = Archive(
        "cifar-10-binary.tar.gz",
        len(bundle),
        sha256(bundle),
        (f"{server.url}/cifar-10-binary.tar.gz",),
        "cifar-10-batches-bin",
    )
    files = tuple(
        File("cifar10", name, len(content), sha1=hashlib.sha1(content).hexdigest(), archive=archive)
        for name, content in contents.items()
    )
    put("cifar10", files, train_images=20, test_images=10)
    server.give("/cifar-10-binary.tar.gz", bundle)
    return Made(files, contents, {archive.name: bundle})
