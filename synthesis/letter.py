"""Letters: a dated head, a greeting, paragraphs, a farewell and a signature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthesis.text import sample_language, sample_text

PLACES = {
    "en": ("London", "Bath", "Edinburgh", "York", "Boston", "Down House"),
    "fr": ("Paris", "Lyon", "Rouen", "Québec", "Besançon", "Orléans"),
    "de": ("Berlin", "Weimar", "München", "Lübeck", "Wien", "Göttingen"),
    "es": ("Madrid", "Sevilla", "Cádiz", "Logroño", "La Habana", "Málaga"),
}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto "
    "septiembre octubre noviembre diciembre",
}
DATES = {
    "en": "{place}, {day} {month} {year}",
    "fr": "{place}, le {day} {month} {year}",
    "de": "{place}, den {day}. {month} {year}",
    "es": "{place}, {day} de {month} de {year}",
}
GREETINGS = {
    "en": ("My dear Sister,", "Dear Sir,", "My dear Friend,", "Dear Mother,"),
    "fr": ("Ma chère mère,", "Cher ami,", "Monsieur,", "Mon cher frère,"),
    "de": ("Liebe Mutter,", "Hochverehrter Herr,", "Mein lieber Freund,", "Liebe Schwester,"),
    "es": ("Querida madre:", "Muy señor mío:", "Querido amigo:", "Mi querida hermana:"),
}
FAREWELLS = {
    "en": ("Yours ever affectionately,", "I remain, Sir, your obedient servant,", "Yours truly,"),
    "fr": ("Votre tout dévoué,", "Je vous embrasse de tout coeur,", "Bien à vous,"),
    "de": ("Mit herzlichen Grüßen,", "Ihr ganz ergebener", "In alter Treue,"),
    "es": ("Suyo afectísimo,", "Le saluda su servidor,", "Con todo mi cariño,"),
}
SIGNATURES = {
    "en": ("Edward Hale", "Mary Whitcombe", "J. Ashdown", "Eliza Marsh"),
    "fr": ("Louise Martel", "Émile Charron", "A. Desprez", "Jeanne Véron"),
    "de": ("Karl Lindner", "Anna Weiß", "H. Brandt", "Luise Köhler"),
    "es": ("Inés Robledo", "Tomás Muñoz", "R. Vidal", "Carmen Ibáñez"),
}


@dataclass(frozen=True)
class Letter:
    """The parts of a letter, each one line of text but the paragraphs."""

    date: str
    greeting: str
    paragraphs: tuple[str, ...]
    farewell: str
    signature: str
    language: str


def sample_letter(
    rng: np.random.Generator, language: str | None = None, characters: int = 900
) -> Letter:
    """A letter whose paragraphs hold about so many characters."""
    chosen = language or sample_language(rng)

    def one_of(choices: tuple[str, ...]) -> str:
        return choices[int(rng.integers(len(choices)))]

    date = DATES[chosen].format(
        place=one_of(PLACES[chosen]),
        day=int(rng.integers(1, 29)),
        month=one_of(tuple(MONTHS[chosen].split())),
        year=int(rng.integers(1790, 1920)),
    )
    return Letter(
        date=date,
        greeting=one_of(GREETINGS[chosen]),
        paragraphs=tuple(sample_text(rng, chosen, characters).split("\n")),
        farewell=one_of(FAREWELLS[chosen]),
        signature=one_of(SIGNATURES[chosen]),
        language=chosen,
    )
