"""The downloader against a real server on this machine, with the faults that mirrors have."""

import gzip
import hashlib
import logging
import multiprocessing
import socket
import tracemalloc
from dataclasses import replace

import pytest

from rungwise.data.errors import DataError
from rungwise.data.files.fetch import fetch
from rungwise.data.files.progress import bars

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture
def images(small_mnist, server):
    """The training images' file, to be had from /bad/ and then from /good/."""
    return replace(small_mnist[0], mirrors=(f"{server.url}/bad", f"{server.url}/good/"))


def _spoil(server, fault: str, contents: dict[str, bytes]) -> None:
    path, right = f"/bad/{IMAGES}.gz", contents[IMAGES]
    packed = gzip.compress(right)
    match fault:
        case "404":
            pass
        case "503":
            server.give(path, b"<html>busy</html>", status=503)
        case "HTML":
            server.give(path, b"\n<!DOCTYPE html><title>Sign in</title>", Content_Type="application/gzip")
        case "text":
            server.give(path, b"version https://git-lfs.github.com/spec/v1")
        case "empty":
            server.give(path, b"")
        case "truncated":
            server.give(path, packed[: len(packed) // 2])
        case "short":
            server.give(path, gzip.compress(right[:-1]))
        case "broken off":
            server.give(path, packed[:100], Content_Length=str(len(packed)))
        case "mislabelled":
            server.give(path, gzip.compress(contents[LABELS]))
        case "oversized":
            server.give(path, gzip.compress(right + b"\0"))
        case "bomb":
            server.give(path, gzip.compress(bytes(100_000_000), 9))
        case "bomb in the transfer":
            server.give(path, gzip.compress(bytes(100_000_000), 9), Content_Encoding="gzip")
        case "endless nothing":
            server.give(path, gzip.compress(b"") * 5000)
        case "damaged":
            server.give(path, packed[:-8] + b"\0\0\0\0" + packed[-4:])
        case "one bit":
            server.give(path, gzip.compress(right[:-1] + bytes([right[-1] ^ 1])))


FAULTS = {
    "404": "the server answers 404 Not Found",
    "503": "the server answers 503 Service Unavailable",
    "HTML": "an HTML page, not a gzip or IDX file",
    "text": "something that begins with b'version ', not a gzip or IDX file",
    "empty": "truncated: it ends after 0 of 31,376 bytes",
    "truncated": "truncated: it ends after",
    "short": "truncated: it ends after 31,375 of 31,376 bytes",
    "broken off": "no connection, or it broke off (IncompleteRead",
    "mislabelled": f"mislabelled: it holds the bytes of mnist/{LABELS}",
    "oversized": "oversized: it holds more than the expected 31,376 bytes",
    "bomb": "oversized: it holds more than the expected 31,376 bytes",
    "bomb in the transfer": "oversized: it holds more than the expected 31,376 bytes",
    "endless nothing": "oversized",
    "damaged": "a damaged gzip file",
    "one bit": "not the expected file (SHA-256 ",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_mirror_is_named_and_the_next_one_tried(fault, images, server, contents, cache, caplog):
    _spoil(server, fault, contents)
    assert fetch(images, cache) == contents[IMAGES]
    (warning,) = caplog.messages
    assert warning.startswith(f"{server.url}/bad/{IMAGES}.gz: {FAULTS[fault]}")
    assert server.asked == [f"/bad/{IMAGES}.gz", f"/good/{IMAGES}.gz"]
    assert (cache / IMAGES).read_bytes() == contents[IMAGES]


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_wrong_is_kept(fault, images, server, contents, cache):
    _spoil(server, fault, contents)
    with pytest.raises(DataError) as caught:
        fetch(replace(images, mirrors=images.mirrors[:1]), cache)
    assert f"{server.url}/bad/{IMAGES}.gz: {FAULTS[fault]}" in str(caught.value)
    assert [path.name for path in cache.iterdir() if not path.name.endswith(".lock")] == []


def test_refused_connection(images, server, contents, cache, caplog):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens
        mirror = f"http://127.0.0.1:{free.getsockname()[1]}/"
        assert fetch(replace(images, mirrors=(mirror, *images.mirrors[1:])), cache) == contents[IMAGES]
    assert "Connection refused" in caplog.text


def test_silent_mirror(images, cache, monkeypatch):
    monkeypatch.setattr("rungwise.data.files.fetch.TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DataError, match=r"timed out"):
            fetch(replace(images, mirrors=(mirror,)), cache)


def test_all_mirrors_fail(images, server, contents, cache):
    _spoil(server, "HTML", contents)
    del server.answers[f"/good/{IMAGES}.gz"]
    with pytest.raises(DataError) as caught:
        fetch(images, cache)
    first, bad, good, advice = str(caught.value).split("\n")
    assert first == f"{IMAGES} cannot be downloaded:"
    assert bad == f"  {server.url}/bad/{IMAGES}.gz: an HTML page, not a gzip or IDX file"
    assert good == f"  {server.url}/good/{IMAGES}.gz: the server answers 404 Not Found"
    assert "RUNGWISE_DATA" in advice
    assert "--offline" in advice


def test_a_bomb_is_never_unpacked(images, server, contents, cache):
    _spoil(server, "bomb", contents)
    tracemalloc.start()
    fetch(images, cache)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000  # bytes, of 100,000,000


@pytest.mark.parametrize("members", [1, 3])
def test_any_wrapping_of_the_right_bytes_is_right(members, images, server, contents, cache, caplog):
    right, path = contents[IMAGES], f"/bad/{IMAGES}.gz"
    step = -(-len(right) // members)
    server.give(path, b"".join(gzip.compress(right[i : i + step], 1) for i in range(0, len(right), step)))
    assert fetch(images, cache) == right
    assert caplog.messages == []


def test_gzip_taken_for_an_encoding_of_the_transfer(images, server, contents, cache, caplog):
    server.give(f"/bad/{IMAGES}.gz", gzip.compress(contents[IMAGES]), Content_Encoding="gzip")
    assert fetch(images, cache) == contents[IMAGES]
    assert caplog.messages == []


def test_redirections_are_followed(images, server, contents, cache, caplog):
    server.give(f"/bad/{IMAGES}.gz", b"", status=302, Location=f"/good/{IMAGES}.gz")
    assert fetch(images, cache) == contents[IMAGES]
    assert caplog.messages == []


def test_progress_ends_at_the_size(images, server, contents, cache):
    seen = []
    fetch(replace(images, mirrors=images.mirrors[1:]), cache, lambda *told: seen.append(told))
    assert seen[-1] == (IMAGES, images.size, images.size)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_bars_are_drawn_on_terminals_only(images, server, contents, cache, capsys):
    with bars() as show:
        fetch(replace(images, mirrors=images.mirrors[1:]), cache, show)
    assert capsys.readouterr() == ("", "")


def test_what_is_kept_is_not_fetched_again(images, server, contents, cache):
    fetch(images, cache)
    asked = len(server.asked)
    assert fetch(images, cache) == contents[IMAGES]
    assert len(server.asked) == asked


def test_a_folder_that_cannot_be_written_to(images, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot be written to"):
        fetch(images, tmp_path / "file" / "mnist")


def _digest(file, folder, barrier, results):
    logging.disable()
    barrier.wait()
    results.put(hashlib.sha256(fetch(file, folder)).hexdigest())


def test_two_processes_at_once(images, server, cache):
    good = replace(images, mirrors=images.mirrors[1:])
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_digest, args=(good, cache, barrier, results)) for _ in range(2)]
    for process in processes:
        process.start()
    digests = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    results.close()
    assert digests == [images.sha256] * 2
    assert len(server.asked) == 1  # the second waited for the first
