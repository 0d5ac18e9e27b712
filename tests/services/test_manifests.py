"""IIIF manifests from a server: read in both versions, only from where it is allowed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from exchange import ExchangeError
from exchange.iiif import read_manifest
from services import fetch as fetching
from services.fetch import FetchLimits, fetch, is_public
from services.importer import Importer
from tests.library_server import Library, library_server, manifest_2, manifest_3
from tests.projects import ended, image, pages_in, settings

IMAGES = {"f1r": image(1), "f1v": image(2), "f2r": image(3)}


@pytest.fixture
def library() -> Iterator[Library]:
    with library_server() as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def importer(store: storage.Store) -> Iterator[Importer]:
    made = Importer(settings(store.data_dir, HTR_FETCH_PRIVATE="yes"), store, lambda: None)
    made.start()
    yield made
    made.stop()


def looked(store: storage.Store, importer: Importer, address: str) -> storage.Run:
    return ended(store, importer.look(importer.begin(), None, "ada", address))


@pytest.mark.parametrize(
    ("make", "title"), [(manifest_2, "Registre <b>1692</b>"), (manifest_3, "Letters of Ann")]
)
def test_pages_of_a_manifest_come_in_with_their_labels_and_largest_images(
    store: storage.Store, importer: Importer, library: Library, make, title: str
) -> None:
    address = library.put("/manifest", make(library, IMAGES))
    run = looked(store, importer, address)
    assert (run.state, run.result["pages"], run.result["images"]) == ("done", 3, 3)
    assert library.asked == ["/manifest"]  # no image before somebody says so
    taken = ended(store, importer.take(run.id, "human", False, False, "ada"))
    assert taken.result["pages"] == 3
    (summary,) = storage.documents(store)
    assert summary.document.title == title
    pages = pages_in(store)
    assert [page.name for page in pages] == list(IMAGES)
    assert [storage.page_image(store, page) for page in pages] == list(IMAGES.values())


def test_image_that_its_service_does_not_give_is_taken_from_its_own_address(
    store: storage.Store, importer: Importer, library: Library
) -> None:
    address = library.put("/manifest", manifest_2(library, {"f1r": image(1)}))
    del library.answers["/iiif/f1r/full/full/0/default.jpg"]
    library.put("/iiif/f1r/full/!200,200/0/default.jpg", image(1, 200, 150))
    run = looked(store, importer, address)
    ended(store, importer.take(run.id, "human", False, False, "ada"))
    assert [page.width_px for page in pages_in(store)] == [200]


def test_page_that_cannot_be_fetched_is_told(
    store: storage.Store, importer: Importer, library: Library
) -> None:
    address = library.put("/manifest", manifest_3(library, IMAGES))
    del library.answers["/files/f2r.jpg"]
    run = looked(store, importer, address)
    taken = ended(store, importer.take(run.id, "human", True, False, "ada"))
    assert (taken.result["pages"], taken.result["problem_count"]) == (2, 1)
    assert "/files/f2r.jpg answered 404" in taken.result["problems"][0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        ({"type": "Collection"}, "is a collection of manifests"),
        ({"@type": "sc:Range"}, "says that it is 'range'"),
        ({"type": "Manifest", "items": []}, "has no page with an image"),
        ({"type": "Manifest", "items": [{"type": "Canvas", "items": [{"items": 5}]}]}, "no page"),
        ({"type": "Manifest", "items": [{}] * 5001}, "has more than 5,000 pages"),
        ([1], "says that it is 'no object'"),
    ],
)
def test_what_is_no_manifest_is_refused_in_a_sentence(body, words: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ExchangeError, match=words):
        read_manifest(data, "https://x/manifest")


def test_address_in_a_manifest_that_is_none_of_the_web_is_passed_over() -> None:
    def canvas(address: object) -> dict:
        return {"images": [{"resource": {"@id": address}}]}

    addresses = [
        "file:///etc/passwd",
        "gopher://x",
        "http://a b",
        5,
        None,
        "https://x/" + "a" * 3000,
    ]
    good = canvas("https://x/1.jpg")
    value = {"@type": "sc:Manifest", "sequences": [
        {"canvases": [*map(canvas, addresses), good]}]}  # fmt: skip
    found = read_manifest(json.dumps(value).encode(), "https://x")
    assert [page.images for page in found.pages] == [("https://x/1.jpg",)]
    assert len(found.problems) == len(addresses)


def test_offline_and_unknown_servers_are_told_in_a_sentence(
    store: storage.Store, importer: Importer
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    run = looked(store, importer, f"http://127.0.0.1:{port}/manifest")
    assert run.state == "failed"
    assert "cannot be reached" in run.message
    assert (
        "no server 'library.invalid'" in looked(store, importer, "https://library.invalid").message
    )


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "::1",
     "100.64.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "fc00::1",
     "2002:7f00:1::", "64:ff9b::7f00:1", "224.0.0.1", "255.255.255.255", "ff02::1",
     "192.0.2.1", "nonsense"],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_of_the_internet_are_public(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "address",
    ["http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
     "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data"],
)  # fmt: skip
def test_private_server_is_not_asked_however_it_is_spelt(address: str) -> None:
    with pytest.raises(ExchangeError, match="not public|no server|no address"):
        fetch(address, 1000)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://x/", "//x", "https://", "https://name:word@x/", "http://x:22/",
     "http://x:99999/", "http://[", "http://" + "a" * 300],
)  # fmt: skip
def test_addresses_that_nobody_should_ask_are_refused(address: str) -> None:
    with pytest.raises(ExchangeError):
        fetch(address, 1000)


def test_redirect_to_a_private_server_is_not_followed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("/secret", b"secret")
    address = library.put("/", b"", 302, Location=f"{library.address}/secret")
    judged: list[str] = []

    def public_once(ip: str) -> bool:
        judged.append(ip)
        return len(judged) == 1  # as if the first server were one of the internet

    monkeypatch.setattr(fetching, "is_public", public_once)
    monkeypatch.setattr(fetching, "PORTS", (int(address.split(":")[2].strip("/")),))
    with pytest.raises(ExchangeError, match="which is not public"):
        fetch(address, 1000)
    assert library.asked == ["/"]


def test_redirects_are_followed_and_not_without_end(library: Library) -> None:
    library.put("/end", b"here")
    library.put("/a", b"", 302, Location="/end")
    library.put("/loop", b"", 302, Location="/loop")
    assert fetch(library.address + "/a", 1000, allow_private=True) == b"here"
    with pytest.raises(ExchangeError, match="without end"):
        fetch(library.address + "/loop", 1000, allow_private=True)
    assert library.asked.count("/loop") == 6


def test_file_over_the_limit_or_cut_off_is_refused(library: Library) -> None:
    library.put("/large", b"0" * 200_000)
    library.put("/short", b"0" * 10, Content_Length="20")
    with pytest.raises(ExchangeError, match="larger than 0 MB"):
        fetch(library.address + "/large", 100_000, allow_private=True)
    with pytest.raises(ExchangeError, match="broke off|cannot be reached"):
        fetch(library.address + "/short", 100, allow_private=True)


def test_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ExchangeError, match="cannot be reached"):
            fetch(address, 100, True, FetchLimits(answer_s=0.2))
