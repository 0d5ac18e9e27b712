"""The web server around the screens: images, uploads, text, sign-in; errors as plain sentences."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import storage
from services.export_order import read_order
from services.services import Services, open_services
from services.settings import read_settings
from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings
from ui.answers import RequestError, answers, credentials, number, optional_number, string
from ui.routes import SignIn, build_routes

READ_LIMIT_S = 60


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("routes") / "data"
    settings = read_settings({"HTR_DATA_DIR": str(folder), "HTR_MAX_UPLOAD_MB": "1"})
    opened = open_services(settings)
    yield opened
    opened.close()


class Client:
    """Asks the web app in this process, one request at a time."""

    def __init__(self, app) -> None:
        self.app = app

    def __call__(self, method: str, path: str, **arguments) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **arguments)

        # In a thread of its own: a browser of another test may keep a loop running in this one.
        with ThreadPoolExecutor(max_workers=1) as own:
            return own.submit(anyio.run, ask).result()


@pytest.fixture(scope="module")
def ask(services: Services) -> Client:
    return Client(build_routes(services))


@pytest.fixture(scope="module")
def page(services: Services, ask: Client) -> storage.Page:
    drawn = draw_page(
        5, settings=PageSettings(width_px=600, height_px=320, line_count=3, letter=False)
    )
    document = storage.add_document(services.store, "Été <b>1847</b>")
    answer = ask(
        "POST",
        f"/files/documents/{document.id}",
        content=encode_png(drawn.pixels),
        headers={"X-File-Name": "p%C3%A2ge%201.png"},
    )
    assert answer.status_code == 200
    assert answer.json()["message"] == ""
    (page_id,) = answer.json()["pages"]
    limit = time.monotonic() + READ_LIMIT_S
    while storage.page(services.store, page_id).state != "ready":
        assert time.monotonic() < limit
        time.sleep(0.02)
    return storage.page(services.store, page_id)


def test_upload_keeps_the_name_of_the_file(page: storage.Page) -> None:
    assert page.name == "pâge 1.png"


def test_images_of_page_and_lines_are_served_as_images(
    services: Services, ask: Client, page: storage.Page
) -> None:
    image = ask("GET", f"/files/pages/{page.id}/{page.sha256[:12]}/image")
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
    assert image.headers["x-content-type-options"] == "nosniff"
    thumbnail = ask("GET", f"/files/pages/{page.id}/thumbnail")
    assert thumbnail.headers["content-type"] == "image/webp"
    assert thumbnail.content[8:12] == b"WEBP"
    line = storage.lines_of(services.store, page.id)[0].line
    crop = ask("GET", f"/files/lines/{line.id}/any.webp")
    assert crop.content[8:12] == b"WEBP"
    assert crop.headers["cache-control"] == "private, max-age=60"


@pytest.mark.parametrize(
    "path",
    ["/files/pages/999/0/image", "/files/pages/999/thumbnail", "/files/lines/999/0.webp",
     "/files/exports/999"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(ask: Client, path: str) -> None:
    assert ask("GET", path).status_code == 404


def test_path_in_place_of_a_number_is_refused(ask: Client) -> None:
    assert ask("GET", "/files/pages/..%2f..%2fetc/0/image").status_code in (404, 422)


def test_upload_to_a_missing_document_says_so(ask: Client) -> None:
    answer = ask("POST", "/files/documents/999", content=b"x", headers={"X-File-Name": "a.png"})
    assert answer.json()["pages"] == []
    assert answer.json()["message"] != ""


def test_upload_over_the_limit_is_refused_while_it_arrives(services: Services, ask: Client) -> None:
    document = storage.add_document(services.store, "large")
    answer = ask(
        "POST",
        f"/files/documents/{document.id}",
        content=b"\x89PNG" + b"0" * 1_100_000,
        headers={"X-File-Name": "large.png"},
    )
    assert answer.status_code == 413
    words = "large.png is larger than 1 MB, the limit set by HTR_MAX_UPLOAD_MB."
    assert answer.json()["message"] == words


def test_upload_without_the_name_header_is_refused(services: Services, ask: Client) -> None:
    # Another site's form cannot set the header, so it cannot put files in here.
    document = storage.add_document(services.store, "forged")
    assert ask("POST", f"/files/documents/{document.id}", content=b"x").status_code == 400


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (basic("ada:lovelace"), 200),
        (basic("ada:wrong"), 401),
        (basic("nobody:"), 401),
        (basic(":"), 401),
        ({"Authorization": "Basic %%%"}, 401),
        ({"Authorization": "Bearer ada:lovelace"}, 401),
    ],
)
def test_sign_in_lets_in_only_who_knows_the_password(headers: dict[str, str], status: int) -> None:
    async def inside(request) -> PlainTextResponse:
        return PlainTextResponse("in")

    guarded = SignIn(Starlette(routes=[Route("/", inside)]), {"ada": "lovelace"})
    assert Client(guarded)("GET", "/", headers=headers).status_code == status


def test_credentials_keep_colons_of_the_password() -> None:
    assert credentials(basic("ada:a:b")["Authorization"]) == ("ada", "a:b")


@pytest.mark.parametrize("data", [None, [], {}, {"page": "1"}, {"page": True}, {"page": 2**70}])
def test_request_without_a_usable_number_is_refused(data: object) -> None:
    with pytest.raises(RequestError, match="The request names no page"):
        number(data, "page")


def test_missing_text_is_refused_and_missing_parent_is_none() -> None:
    with pytest.raises(RequestError):
        string({"text": 5}, "text")
    assert optional_number({"parent": None}, "parent") is None
    assert optional_number({"parent": 3}, "parent") == 3


def test_unexpected_error_is_logged_and_told_without_its_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @answers
    def broken(data: dict) -> dict:
        raise ValueError("secret path")

    told = broken({})["error"]
    assert "secret path" not in told
    assert "secret path" in caplog.text


def test_finished_export_is_handed_over_as_a_file_and_never_shown(
    services: Services, ask: Client, page: storage.Page
) -> None:
    order = read_order({"format": "hocr", "scope": "document", "number": page.document_id})
    run = services.exporter.order(order)
    limit = time.monotonic() + READ_LIMIT_S
    while services.exporter.export(run.id).state != "done":
        assert time.monotonic() < limit
        time.sleep(0.02)
    answer = ask("GET", f"/files/exports/{run.id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    named = "attachment; filename*=utf-8''%C3%89t%C3%A9%20_b_1847__b_.hocr.html"
    assert answer.headers["content-disposition"] == named
    assert "sandbox" in answer.headers["content-security-policy"]
    assert b"ocr_page" in answer.content


def test_reading_of_a_page_is_no_export(
    services: Services, ask: Client, page: storage.Page
) -> None:
    reading = storage.runs(services.store, "read")[0]
    assert ask("GET", f"/files/exports/{reading.id}").status_code == 404
