"""Find and replace across a document, and its text rules, as the desk asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

import storage
from services.replacement import findings, replacer, write_findings
from services.services import Services
from services.text_rules import rules_from, rules_json, tidied
from ui.answers import Answer, RequestError, answers, author_of, number, string
from ui.text_steps_view import changed_lines

SHOWN = 500  # of the lines that would change; the rest is counted


def replace_functions(services: Services) -> list[Callable[..., Any]]:
    """Return the server functions that change many texts at once."""
    store = services.store

    @answers
    def find_texts(data: dict) -> Answer:
        document_id = number(data, "document")
        unchecked = data.get("unchecked") is True
        found = findings(store, document_id, _change(store, data), unchecked)
        return {"total": len(found), "lines": [vars(one) for one in found[:SHOWN]]}

    @answers
    def replace_texts(data: dict, request: gr.Request) -> Answer:
        author = author_of(request, services.settings.author)
        seen = _seen(data.get("lines"))
        written, left = write_findings(
            store, number(data, "document"), _change(store, data), seen, author
        )
        return {**changed_lines(store, written), "left": len(left)}

    @answers
    def text_rules(data: dict) -> Answer:
        return rules_json(rules_from(storage.text_rules(store, number(data, "document"))))

    @answers
    def set_text_rules(data: dict) -> Answer:
        document = storage.document(store, number(data, "document"))
        rules = rules_json(rules_from(data))
        ids = [document.id]
        if data.get("project") is True:
            ids = [
                one.document.id
                for one in storage.documents(store)
                if one.document.project == document.project
            ]
        storage.set_text_rules(store, ids, rules)
        return {**rules, "documents": len(ids)}

    return [find_texts, replace_texts, text_rules, set_text_rules]


def tidied_text(store: storage.Store, line_id: int, text: str) -> str:
    """Return the text of a line as the rules of its document want it."""
    page = storage.page(store, storage.line_text(store, line_id).line.page_id)
    return tidied(text, rules_from(storage.text_rules(store, page.document_id)))


def _change(store: storage.Store, data: dict) -> Callable[[str], str]:
    """Return what shall be done to each text: a replacement, or the document's text rules."""
    if data.get("rules") is True:
        rules = rules_from(storage.text_rules(store, number(data, "document")))
        return lambda text: tidied(text, rules)
    case, words = data.get("case") is True, data.get("words") is True
    return replacer(string(data, "find"), string(data, "put"), case, words)


def _seen(lines: object) -> dict[int, int | None]:
    if not isinstance(lines, list):
        raise RequestError("The request names no lines. Reload this page.")
    seen: dict[int, int | None] = {}
    for pair in lines:
        if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) is not int:
            raise RequestError("The request names no lines. Reload this page.")
        if pair[1] is not None and type(pair[1]) is not int:
            raise RequestError("The request names no revisions. Reload this page.")
        seen[pair[0]] = pair[1]
    return seen
