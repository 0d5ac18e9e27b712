"""What a few corrected lines teach of letters that the shipped model does not know.

python -m benchmarks.new_characters [--fonts caveat,parisienne,kalam] [--sizes 8,16,32]
    [--reference LINES.zip] [--threads 1]

Lines of Czech or of Polish are drawn in the hand of a handwriting font; the model learns some of
them as in the app and reads others. Fonts stand in for hands here, more regular than any: the
figures say whether new letters are learned, not how well a given hand will be read. What is
forgotten is measured on real lines of other hands (`--reference`) where there are any.

Fonts with these letters are fetched by `python -m synthesis.fetch_fonts`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from benchmarks.finetune_scores import new_character_recall
from benchmarks.finetune_sets import read_reference
from benchmarks.pages import BenchmarkError
from htr.device import set_threads
from htr.shipped import default_model_path
from synthesis.fetch_fonts import FONTS
from synthesis.font import Font, fonts, fonts_in
from synthesis.line import draw_line, sample_line_settings
from training.finetune import finetune
from training.finetune_config import FinetuneConfig
from training.growth import missing_characters
from training.lines import TrainLine
from training.reading import cer_of, read_lines
from training.reference import REPLAY_LINES, drawn_lines
from training.trainable import Trainable, load_trainable

LANGUAGES = {
    "cs": (
        "Vážený pane učiteli, dovoluji si Vám oznámit, že můj syn Tomáš byl včera nemocen",
        "a nemohl přijít do školy. Dne třetího května roku tisíc osm set čtyřicet zemřel",
        "v naší vsi starý mlynář Řehoř a zanechal po sobě dvě dcery. Kupní smlouva mezi Janem",
        "Novákem a Kateřinou Dvořákovou o prodeji pole pod lesem za dvě stě zlatých. Milá maminko,",
        "jsem zdráv a těším se, až přijedu domů na svátky vánoční s dárky pro všechny děti.",
        "Zápis o narození dítěte, křtěného v kostele svatého Václava; kmotři byli sedlák Matěj",
        "a jeho žena Anežka. Loňská úroda byla špatná, ať nám Pán Bůh pomůže přečkat zimu.",
    ),
    "pl": (
        "Łódź jest miastem, gdzie żyją różni ludzie; święta są już blisko i śnieg leży na każdej",
        "ulicy. Szanowny Panie, proszę o przesłanie książki, którą pożyczyłem mojej siostrze",
        "w zeszłym miesiącu. Roku pańskiego tysiąc osiemset trzydziestego stawił się Wojciech,",
        "rolnik, lat czterdzieści mający. Ślub zawarty został w kościele parafialnym między",
        "młodzianem Józefem a panną Małgorzatą. Dziękuję za list i życzę dużo zdrowia; u nas",
        "wszyscy zdrowi, tylko koń nam zdechł, więc nie wiem, jak pojedziemy na jarmark.",
    ),
}
WORDS_A_LINE = (3, 7)
TEST_LINES = 40
REFERENCE_LINES = 60
LEARN, TEST = 1, 2  # what a random number is for; part of its seed


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, a row as soon as it is known; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fonts", default="caveat,parisienne,kalam")
    parser.add_argument("--sizes", default="8,16,32", help="lines to learn")
    parser.add_argument("--reference", type=Path, help="labelled lines of other hands")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    set_threads(options.threads)
    try:
        hands = [font_of(name) for name in options.fonts.split(",")]
        reference = read_reference(options.reference, REFERENCE_LINES) if options.reference else []
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print("| hand | lines | new letters read | read where none is | CER | other hands | CPU s |")
    print("|---|---|---|---|---|---|---|")
    base = load_trainable(default_model_path())
    for language, hand in ((language, hand) for language in LANGUAGES for hand in hands):
        test = lines_of(language, hand, TEST_LINES, TEST)
        for size in (0, *map(int, options.sizes.split(","))):
            row = measured(base, lines_of(language, hand, size, LEARN), test, reference)
            print(f"| {hand.name}, {language} | {size} | {' | '.join(row)} |", flush=True)
    return 0


def font_of(name: str) -> Font:
    """Return the font of that name. Raises BenchmarkError if it is not here or lacks letters."""
    letters = set("".join(line for lines in LANGUAGES.values() for line in lines))
    for font in (*fonts(), *fonts_in(FONTS)):
        if font.name == name and all(font.covers(letter) for letter in letters):
            return font
    raise BenchmarkError(
        f"There is no font {name} with these letters. Fetch: python -m synthesis.fetch_fonts"
    )


def lines_of(language: str, font: Font, count: int, purpose: int) -> list[TrainLine]:
    """Return so many lines; fewer of a purpose are the first ones of more."""
    words = " ".join(LANGUAGES[language]).split()
    rng = np.random.default_rng([purpose, 9])
    found = []
    for number in range(count):
        length = int(rng.integers(*WORDS_A_LINE))
        first = int(rng.integers(0, len(words) - length + 1))
        text = " ".join(words[first : first + length])
        image, written = draw_line(rng, text, sample_line_settings(rng), [font])
        found.append(TrainLine(str(number), image, written, "page"))
    return found


def measured(
    base: Trainable,
    lines: Sequence[TrainLine],
    test: Sequence[TrainLine],
    reference: Sequence[TrainLine],
) -> list[str]:
    """Return the cells of a row: what the base reads after it has learned these lines."""
    model, began_s = base, time.process_time()
    if lines:
        config = FinetuneConfig()
        others = drawn_lines(base.alphabet, config.seed, REPLAY_LINES, "replay")
        began_s = time.process_time()
        model = finetune(base, lines, (), config, others=others, report=lambda _: True).trainable
    seconds = time.process_time() - began_s
    new = missing_characters(base.alphabet, [line.text for line in test])
    readings = read_lines(model, test)
    found, written = new_character_recall(new, test, readings)
    elsewhere = read_lines(model, reference) if reference else []
    return [
        f"{found} of {written}",
        str(_count(new, readings) - found + _count(new, elsewhere)),
        f"{cer_of(test, readings):.3f}",
        f"{cer_of(reference, elsewhere):.3f}" if reference else "-",
        f"{seconds:.0f}",
    ]


def _count(new: Collection[str], readings: Sequence[str]) -> int:
    return sum(character in new for text in readings for character in text)


if __name__ == "__main__":
    sys.exit(main())
