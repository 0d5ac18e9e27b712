"""Pages turned and cropped in a document, and back."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from services.services import Services
from ui.answers import Answer, RequestError, answers, author_of, number
from ui.arranging import numbers


def turning_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return what the browser may do with the images of pages: turn, cut, take it back."""

    def author(request: gr.Request | None) -> str:
        return author_of(request, services.settings.author)

    @answers
    def turn_pages(data: dict, request: gr.Request) -> Answer:
        quarters = number(data, "quarters")
        if quarters > 3:
            raise RequestError("A page is turned by 1 to 3 quarters. Reload this page.")
        return {"pages": services.turn_pages(numbers(data, "pages"), quarters, author(request))}

    @answers
    def cut_page(data: dict, request: gr.Request) -> Answer:
        sides = data.get("frame")
        if not isinstance(sides, list) or len(sides) != 4:
            raise RequestError("The request names no frame. Draw it again.")
        # Sides count from 1 on their way here, since 0 is no number of anything else.
        left, top, right, bottom = numbers({"frame": sides}, "frame")
        frame = (left - 1, top - 1, right - 1, bottom - 1)
        services.cut_page(number(data, "page"), frame, author(request))
        return {"cut": True}

    @answers
    def undo_turns(data: dict, request: gr.Request) -> Answer:
        services.undo_turns(numbers(data, "pages"), author(request))
        return {"undone": True}

    return [turn_pages, cut_page, undo_turns]
