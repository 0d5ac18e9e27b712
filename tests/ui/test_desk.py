"""What the desk's server answers when a text is saved."""

from __future__ import annotations

from types import SimpleNamespace

import storage
from services.services import Services
from ui.desk import save_line_function

REQUEST = SimpleNamespace(headers={})


def test_text_saved_on_a_line_that_was_removed_is_kept_and_told(two_pages: Services) -> None:
    save = save_line_function(two_pages)
    data = {"line": 1, "text": "in time", "status": "corrected", "parent": None}
    assert save(data, REQUEST)["gone"] is False
    storage.remove_line(two_pages.store, 2)
    answer = save({**data, "line": 2, "text": "too late"}, REQUEST)
    assert (answer["gone"], answer["text"]) == (True, "too late")
    assert storage.line_text(two_pages.store, 2).text == "too late"
