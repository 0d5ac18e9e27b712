"""The report of a training run as the browser gets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import storage
from ui.answers import Answer


def report_view(run: storage.Run, report: Mapping[str, Any]) -> Answer:
    """Return the report of a run for the browser."""
    return dict(report)
