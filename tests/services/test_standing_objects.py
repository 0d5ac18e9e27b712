"""What lives as long as the process is kept from the collector, and let go of when unused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from services.standing_objects import set_standing_objects_aside


class Model:
    """Refers to itself, so that only the collector can let go of it."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_lives_now_is_looked_through_no_more() -> None:
    model = Model()
    set_standing_objects_aside()
    assert gc.get_freeze_count() > 1000
    assert not any(one is model for one in gc.get_objects())


def test_model_that_was_replaced_is_let_go_of() -> None:
    model = Model()
    set_standing_objects_aside()
    gone = weakref.ref(model)
    del model
    gc.collect()
    set_standing_objects_aside(tidy=False)
    assert gone() is not None  # frozen: the collector alone would keep it for ever
    set_standing_objects_aside()
    assert gone() is None
