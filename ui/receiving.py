"""Files that a browser sends: their name, and their bytes onto the disk, piece by piece."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

WRITE_AT_ONCE_BYTES = 1 << 20
MAX_NAME = 300  # characters


class Refused(Exception):
    """The file cannot come in; `status` of the answer and the sentence that says why."""

    def __init__(self, status: int, message: str) -> None:
        """Refuse with this status of HTTP and this sentence."""
        super().__init__(message)
        self.status = status


def file_name(request: Request) -> str:
    """Return the name that the browser gives the file, "" if it gives none.

    The name's own header makes this no "simple request": another site cannot send files here.
    """
    return urllib.parse.unquote(request.headers.get("x-file-name", ""))[:MAX_NAME]


async def receive_file(request: Request, path: Path, name: str, limit_mb: int, what: str) -> int:
    """Return how many bytes were written to the new file at `path`.

    what: the limit, as the message calls it.

    Raises: Refused for a file over the limit, or a disk that does not take it.
    """
    size, waiting = 0, bytearray()
    try:
        with path.open("xb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > limit_mb * 1_000_000:
                    raise Refused(413, f"{name} is larger than {limit_mb:,} MB, {what}.")
                waiting += piece
                if len(waiting) >= WRITE_AT_ONCE_BYTES:
                    await run_in_threadpool(file.write, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(file.write, bytes(waiting))
    except OSError as error:
        words = f"{name} could not be stored: {error.strerror}. Check the free space of the disk."
        raise Refused(507, words) from error
    return size
