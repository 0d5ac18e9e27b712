"""Places of the app: told to Gradio once, as Gradio would tell them itself."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from ui.place import place

HTML, SCRIPT = "<p>Hello</p>", "element.onclick = () => server.ask();"


def ask() -> str:
    return "answer"


async def screens_with(ours: list[gr.HTML]) -> gr.Blocks:
    """Return screens with a place, which is put into `ours`.

    In a running loop of events: Gradio makes one of its own elsewhere, and leaves it open.
    """
    with gr.Blocks() as screens:
        ours.append(place(HTML, SCRIPT, [ask]))
    return screens


def test_place_is_described_as_gradio_describes_it() -> None:
    ours: list[gr.HTML] = []
    asyncio.run(screens_with(ours))
    theirs = gr.HTML(HTML, apply_default_css=False, js_on_load=SCRIPT, server_functions=[ask])
    assert ours[0].get_config() == theirs.get_config()
    assert ours[0].get_config()["server_fns"] == ["ask"]


def test_new_tab_describes_no_place_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    ours: list[gr.HTML] = []
    screens = asyncio.run(screens_with(ours))

    def refuse(*_: object) -> None:
        pytest.fail("Gradio described a place for a single tab")

    monkeypatch.setattr(gr.HTML, "get_config", refuse)
    first, second = SessionState(screens), SessionState(screens)
    first.config_values[ours[0]._id]["props"]["value"] = "changed in one tab"
    assert second.config_values[ours[0]._id]["props"]["value"] == HTML
