"""One place of the app: a component of HTML, its script, and the functions it asks the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block


def place(html: str, script: str, functions: Sequence[Callable[..., Any]] = ()) -> gr.HTML:
    """Return the component of a place; to be called inside the blocks of the app.

    script: runs once the component is in the page. functions: what the script may ask for, by
    their names.

    A place is the same for everybody and never changes on the server, so it is described once.
    Gradio describes all components anew for each tab that is opened: it looks through the whole
    script for each of some forty attributes, 30 ms in which nobody's text is saved.
    """
    component = gr.HTML(
        value=html, apply_default_css=False, js_on_load=script, server_functions=list(functions)
    )
    described = component.get_config()

    def get_config(cls: type[Block] | None = None) -> dict[str, Any]:
        """Return what the page is told of the component."""
        return dict(described)

    component.get_config = get_config  # type: ignore[method-assign]
    return component
