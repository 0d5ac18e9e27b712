"""A film of what a tab shows, as an animated WebP; needs no ffmpeg, unlike Playwright's own."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

SIZE_PX = (960, 540)
APART_S = 0.08  # frames closer together are left out
STILL_MS = 1500  # the longest that one frame is shown


class Screencast:
    """Films a tab from now on, until `save`."""

    def __init__(self, tab) -> None:
        self._frames: list[tuple[float, bytes]] = []
        self._session = tab.context.new_cdp_session(tab)
        self._session.on("Page.screencastFrame", self._take)
        self._session.send(
            "Page.startScreencast",
            {"format": "jpeg", "quality": 70, "maxWidth": SIZE_PX[0], "maxHeight": SIZE_PX[1]},
        )

    def _take(self, event: dict) -> None:
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
        time_s = event["metadata"]["timestamp"]
        if not self._frames or time_s - self._frames[-1][0] >= APART_S:
            self._frames.append((time_s, base64.b64decode(event["data"])))

    def save(self, path: Path) -> int:
        """Write the film; return how many frames it has."""
        self._session.send("Page.stopScreencast")
        times_s = [time_s for time_s, _ in self._frames]
        lasting_ms = [
            min(STILL_MS, round(1000 * (after - now)))
            for now, after in zip(times_s, [*times_s[1:], times_s[-1] + 2], strict=True)
        ]
        images = [Image.open(io.BytesIO(data)).convert("RGB") for _, data in self._frames]
        images[0].save(
            path, save_all=True, append_images=images[1:], duration=lasting_ms, quality=55, method=0
        )
        return len(images)
