"""Places of the app: told to Gradio once, as Gradio would tell them itself."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from ui.place import place

HTML, SCRIPT = "<p>Hello</p>", "element.onclick = () => server.ask();"


def ask() -> str:
    return "answer"


def screens_with_a_place() -> tuple[gr.Blocks, gr.HTML]:
    """Return screens with a place.

    Made in a running loop of events, since Gradio makes its own elsewhere and leaves it open;
    in a thread, since the browser tests leave theirs running in this one.
    """

    async def make() -> tuple[gr.Blocks, gr.HTML]:
        with gr.Blocks() as screens:
            return screens, place(HTML, SCRIPT, [ask])

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()


def test_place_is_described_as_gradio_describes_it() -> None:
    _, ours = screens_with_a_place()
    theirs = gr.HTML(HTML, apply_default_css=False, js_on_load=SCRIPT, server_functions=[ask])
    assert ours.get_config() == theirs.get_config()
    assert ours.get_config()["server_fns"] == ["ask"]


def test_new_tab_describes_no_place_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    screens, ours = screens_with_a_place()

    def refuse(*_: object) -> None:
        pytest.fail("Gradio described a place for a single tab")

    monkeypatch.setattr(gr.HTML, "get_config", refuse)
    first, second = SessionState(screens), SessionState(screens)
    first.config_values[ours._id]["props"]["value"] = "changed in one tab"
    assert second.config_values[ours._id]["props"]["value"] == HTML
