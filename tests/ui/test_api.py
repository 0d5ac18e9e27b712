"""The app for programs: a real client over HTTP, and a real MCP client where there is one."""

from __future__ import annotations

import ast
import asyncio
import base64
import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.browser.conftest import Server
from tests.browser.pages import drawn_page
from ui.api import ENDPOINTS

AUTHORIZATION = {"Authorization": "Basic " + base64.b64encode(b"ada:lovelace").decode()}
PATIENCE_S = 240.0  # of a request to a busy computer
HAS_MCP = importlib.util.find_spec("mcp") is not None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("api")
    mcp = "on" if HAS_MCP else "off"
    app = Server(folder / "data", HTR_USERS="ada:lovelace", HTR_MAX_UPLOAD_MB="2", HTR_MCP=mcp)
    app.start()
    yield app
    app.kill()


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("downloads")
    return Client(
        server.address,
        headers=AUTHORIZATION,
        verbose=False,
        download_files=folder,
        httpx_kwargs={"timeout": PATIENCE_S},
    )


@pytest.fixture(scope="module")
def read(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `read_page` answers for a drawn page."""
    image = tmp_path_factory.mktemp("image") / "a letter.png"
    drawn_page(image, lines=3)
    return client.predict(file=handle_file(image), title="Letters", api_name="/read_page")


def test_page_goes_in_and_its_text_comes_back(client: Client, read: dict[str, Any]) -> None:
    assert read["message"] == ""
    (page,) = read["pages"]
    assert (page["name"], page["state"], len(page["lines"])) == ("a letter.png", "ready", 3)
    assert page["text"] == "\n".join(line["text"] for line in page["lines"])
    assert {line["status"] for line in page["lines"]} == {"machine"}
    again = client.predict(page=page["page"], api_name="/page_text")
    assert again == page
    assert client.predict(page["page"], "human", api_name="/page_text")["text"] == "\n\n"
    documents = client.predict(api_name="/documents")
    assert [(one["title"], one["pages"], one["lines"]) for one in documents] == [("Letters", 1, 3)]
    pages = client.predict(document=read["document"], api_name="/pages")
    assert [one["page"] for one in pages] == [page["page"]]


def test_export_is_a_file_of_the_right_name(client: Client, read: dict[str, Any]) -> None:
    number = read["document"]
    path = client.predict(format="txt", number=number, api_name="/export")
    assert Path(path).name == "Letters.txt"
    assert Path(path).read_text().splitlines() == read["pages"][0]["text"].splitlines()
    path = client.predict("pdf", "page", read["pages"][0]["page"], api_name="/export")
    assert Path(path).read_bytes().startswith(b"%PDF-1.7")
    keys = [one["format"] for one in client.predict(api_name="/formats")]
    assert {"page", "alto", "tei", "pdf", "docx"} < set(keys)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "words"),
    [
        ("/page_text", {"page": 999}, "There is no page 999."),
        ("/pages", {"document": 999}, "There is no document 999."),
        ("/export", {"format": "wordstar", "number": 1}, "choose one of txt, md"),
        ("/export", {"format": "txt", "scope": "library", "number": 3}, "give no number"),
    ],
)
def test_what_goes_wrong_is_said_to_the_program(
    client: Client, read: dict[str, Any], endpoint: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(**arguments, api_name=endpoint)


def test_file_of_the_server_is_not_taken_for_an_upload(
    client: Client, server: Server, read: dict[str, Any]
) -> None:
    for path in ("/etc/passwd", str(server.data_dir / "htr.sqlite")):
        stolen = {"path": path, "meta": {"_type": "gradio.FileData"}}
        answer = httpx.post(
            f"{server.address}/gradio_api/call/read_page",
            json={"data": [stolen, 0, "stolen", 0]},
            headers=AUTHORIZATION,
            timeout=PATIENCE_S,
        )
        event = answer.json()["event_id"]
        told = httpx.get(
            f"{server.address}/gradio_api/call/read_page/{event}",
            headers=AUTHORIZATION,
            timeout=PATIENCE_S,
        ).text
        assert "event: error" in told, told
    assert [one["title"] for one in client.predict(api_name="/documents")] == ["Letters"]


def test_only_the_named_endpoints_are_there_and_each_is_described(client: Client) -> None:
    told = client.view_api(return_format="dict")
    assert sorted(told["named_endpoints"]) == [f"/{name}" for name in sorted(ENDPOINTS)]
    assert told["unnamed_endpoints"] == {}
    for endpoint in told["named_endpoints"].values():
        assert endpoint["description"]


def test_nobody_gets_in_without_signing_in(server: Server) -> None:
    paths = ["/gradio_api/info", "/gradio_api/mcp/", "/config", "/files/exports/1"]
    assert {httpx.get(server.address + path, timeout=PATIENCE_S).status_code for path in paths} == {
        401
    }
    answer = httpx.post(
        f"{server.address}/gradio_api/call/documents", json={"data": []}, timeout=PATIENCE_S
    )
    assert answer.status_code == 401


@pytest.mark.skipif(not HAS_MCP, reason="mcp is not installed; see requirements-mcp.txt")
def test_endpoints_are_tools_of_an_mcp_client(
    server: Server, read: dict[str, Any], tmp_path: Path
) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    drawn_page(tmp_path / "b.png", seed=8, lines=2)
    data = base64.b64encode((tmp_path / "b.png").read_bytes()).decode()

    async def use() -> tuple[set[str], Any, Any]:
        address = f"{server.address}/gradio_api/mcp/"
        async with (
            streamablehttp_client(address, AUTHORIZATION, PATIENCE_S, PATIENCE_S) as (
                incoming,
                outgoing,
                _,
            ),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            tools = await session.list_tools()
            text = await session.call_tool("page_text", {"page": read["pages"][0]["page"]})
            fresh = await session.call_tool(
                "read_page", {"file": f"data:image/png;base64,{data}", "title": "By MCP"}
            )
            return {tool.name for tool in tools.tools}, text, fresh

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names, text, fresh = asyncio.run(use())
    assert names == set(ENDPOINTS)
    assert not text.isError and read["pages"][0]["lines"][0]["text"] in text.content[0].text
    assert not fresh.isError
    assert len(ast.literal_eval(fresh.content[0].text)["pages"][0]["lines"]) == 2
