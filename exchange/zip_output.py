"""Files put into zip archives that are the same, bit by bit, whenever their content is."""

from __future__ import annotations

import zipfile
from datetime import datetime

EPOCH = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time


def file_info(name: str, now: datetime, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    """Return the entry of a file that is made now."""
    info = zipfile.ZipInfo(name, max(EPOCH, now.timetuple()[:6]))
    info.compress_type = compression
    return info


def add_file(archive: zipfile.ZipFile, name: str, data: bytes, now: datetime) -> None:
    """Put a file that is worth compressing into an archive."""
    archive.writestr(file_info(name, now), data)
