"""The language model as the screens show it: what it is, in plain words, and what one can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.language_model import LanguageFacts, LanguageState
from services.services import Services
from ui.answers import Answer, RequestError, answers, string

if TYPE_CHECKING:
    from htr.language_file import Gain


def language_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return the server functions of the language model; each answers with its state."""

    def state() -> Answer:
        return language_answer(services.language.state())

    @answers
    def language(data: dict) -> Answer:
        return state()

    @answers
    def build_language(data: dict) -> Answer:
        services.build_language()
        return state()

    @answers
    def switch_language(data: dict) -> Answer:
        on = data.get("on") if isinstance(data, dict) else None
        if not isinstance(on, bool):
            raise RequestError("The request does not say on or off. Reload this page.")
        services.read_with_language(on)
        return state()

    @answers
    def choose_language_text(data: dict) -> Answer:
        services.language.choose_text(string(data, "name"), string(data, "text"))
        return state()

    return [language, build_language, switch_language, choose_language_text]


def language_answer(state: LanguageState) -> Answer:
    """Return what the browser shows: share is 0-1 while it is being built, else null.

    on: it is read with, or will be once it is built. possible: there is one, or something in the
    box to make one of. due: it is about to be built anew.
    """
    facts = state.facts
    return {
        "on": (facts.on and bool(facts.built)) or state.wanted,
        "built": bool(facts.built),
        "possible": bool(facts.built) or state.box is not None,
        "due": state.due and not state.trouble,
        "text_name": facts.text_name,
        "share": state.share,
        "words": language_words(facts, state.box),
        "trouble": state.trouble or _notice(state),
    }


def language_words(facts: LanguageFacts, box: Gain | None = None) -> str:
    """Return what the language model was built from and what it brings, in plain words.

    box: what the one in the box brought on lines that it had never seen.
    """
    if not facts.built:
        if box is None:
            return "There is none yet."
        return f"There is none yet. {_told_of_box(box)} It is built once you switch it on."
    source = _source(facts)
    if not facts.test_lines:
        words = f"{source}. Too few lines are corrected to say what it brings."
        return f"{words} {_told_of_box(box)}" if box and facts.box else words
    before, after, words = _rates(facts)
    kept = f"On {facts.test_lines:,} lines kept aside"
    if facts.cer_after >= facts.cer_before:
        return (
            f"{source}. {kept} it does not help: with it {after} of the characters are misread, "
            f"without it {before}. Correct more lines or choose a text of the same kind, and build "
            "it again."
        )
    return f"{source}. {kept} it misreads {after} of the characters instead of {before}, {words}."


def _told_of_box(box: Gain) -> str:
    before, after, words = _rates(box)
    return (
        f"On {box.lines:,} lines of French and English that it had never seen, the one in the box "
        f"misread {after} of the characters instead of {before}, {words}."
    )


def _rates(measured: LanguageFacts | Gain) -> tuple[str, str, str]:
    """Return the shares of characters misread without it and with it, and a clause on the words."""
    before, after = _percent(measured.wer_before), _percent(measured.wer_after)
    words = f"{after} of the words instead of {before}"
    return _percent(measured.cer_before), _percent(measured.cer_after), words


def _source(facts: LanguageFacts) -> str:
    """Return what it was built from, without a full stop."""
    lines, text = f"{facts.lines:,}", f"{facts.text_lines:,}"
    if not facts.box:
        source = f"Built from {lines} corrected lines"
        return f"{source} and {text} lines of the chosen text" if facts.text_lines else source
    if not facts.lines:
        source = "Built from the French and English in the box"
        return f"{source} and {text} lines of the chosen text" if facts.text_lines else source
    if not facts.text_lines:
        return f"Built from the French and English in the box and {lines} corrected lines"
    return (
        f"Built from the French and English in the box, {lines} corrected lines and {text} lines "
        "of the chosen text"
    )


def _notice(state: LanguageState) -> str:
    if state.facts.built and not state.suits:
        return (
            "The model in use knows other characters than the one that this was built for, so "
            "pages are read without it. Build it again."
        )
    return ""


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}\N{NO-BREAK SPACE}%"
