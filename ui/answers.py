"""What every server function of the screens has in common: arguments, answers, who is asking."""

from __future__ import annotations

import base64
import binascii
import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from exchange import ExchangeError
from segmentation.lines import SegmentationError
from storage import StorageError
from training.errors import TrainingError

LOG = logging.getLogger("htr.ui")

Answer = dict[str, Any]


class RequestError(Exception):
    """A browser asked for something that makes no sense; the message says what was missing."""


def answers(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Return `function` with the app's own errors turned into an answer {"error": sentence}.

    Anything else that goes wrong is logged and answered with a sentence that says so, for a page
    that got no answer at all would take the server for unreachable.
    """

    @functools.wraps(function)
    def answered(*arguments: Any) -> Answer:
        try:
            return function(*arguments)
        except (
            StorageError,
            SegmentationError,
            TrainingError,
            ExchangeError,
            RequestError,
        ) as error:
            return {"error": str(error)}
        except Exception:
            LOG.exception("%s failed", function.__name__)
            return {"error": "Something went wrong on the server; its log says what. Try again."}

    return answered


def number(data: object, name: str) -> int:
    """Return the whole number that the browser sent under `name`.

    Raises: RequestError if it is not there or is none.
    """
    value = data.get(name) if isinstance(data, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**62:
        raise RequestError(f"The request names no {name}. Reload this page.")
    return value


def optional_number(data: object, name: str) -> int | None:
    """Return the whole number under `name`, or None where the browser sent null."""
    if isinstance(data, Mapping) and data.get(name) is None:
        return None
    return number(data, name)


def string(data: object, name: str) -> str:
    """Return the text that the browser sent under `name`.

    Raises: RequestError if it is not there or is no text.
    """
    value = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(value, str):
        raise RequestError(f"The request has no {name}. Reload this page.")
    return value


def author_of(request: gr.Request | None, otherwise: str) -> str:
    """Return the name of who signed in for this request, else `otherwise`.

    The name was checked by `ui.routes.SignIn` before the request came here.
    """
    header = request.headers.get("authorization", "") if request is not None else ""
    return credentials(header)[0] or otherwise


def credentials(header: str) -> tuple[str, str]:
    """Return (name, password) of an HTTP Basic header; two empty strings if it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
