"""Made-up news that reads like news to a database: words by Zipf's law, names, numbers, places; cheap to make.

A long tape of words is drawn once; sentences are cut from it anywhere, so that some phrases recur in thousands of
articles, others in a handful, and what meets where two cuts meet in one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from aggregator.models import City
from aggregator.reference import load_cities
from aggregator.stories import load_common_words

VOCABULARY, TAPE = 60_000, 6_000_000  # words
RANK_SHIFT = 2  # of Zipf's law as Mandelbrot has it: the commonest words are less common than 1 / rank
SENTENCE = (8, 20)  # words
OWN, THEME = 0.4, 80  # of the sentences of a text so many are of its own subject: cut near one place of the tape
PARAGRAPH = 3  # sentences, on average
LENGTH_MEDIAN, LENGTH_SPREAD = 3_270, 0.5  # characters of a text, log-normal: 3.7 kB on average
LENGTH_LEAST, LENGTH_MOST = 1_000, 12_000
NAMES = 4_000
TITLES = (
    "Wali Kota {city} {words}",
    "{words} di Kota {city}",
    "APEKSI {words}",
    "{city} Siapkan Smart City, {words}",
    "Rakernas APEKSI: {city} {words}",
    "{words}, Ini Kata Wali Kota {city}",
    "Kota Cerdas {city} {words}",
    "Pemkot {city} {words}",
)
LEADS = (
    "{place}, {portal} – Wali Kota {city} {name} menghadiri rapat kerja nasional APEKSI, {day}.",
    "{place} – Pemerintah Kota {city} meluncurkan layanan smart city pada {day}, kata {name}.",
    "{place}, {portal} – Asosiasi Pemerintah Kota Seluruh Indonesia (APEKSI) meminta {name} dari Kota {city}, {day}.",
    "{place} – Kota cerdas menjadi pembahasan Komisariat Wilayah APEKSI di {city}, {day}. {name} hadir.",
)


class Prose:
    """Makes texts; the same ones each time, in the same order of calls."""

    def __init__(self, seed: int = 13) -> None:
        self.dice = random.Random(seed)
        self.words = self._make_words()
        weights = list(accumulate(1 / (rank + RANK_SHIFT) for rank in range(len(self.words))))
        self._tape = self.dice.choices(self.words, cum_weights=weights, k=TAPE)
        self._names = [word.capitalize() for word in self.dice.sample(self.words[500:], NAMES)]
        self.cities: Sequence[City] = load_cities()
        self._city_weights = list(accumulate(1 / (place + 1) for place in range(len(self.cities))))

    def _make_words(self) -> list[str]:
        """The commonest are real ones."""
        words = dict.fromkeys(term for term in load_common_words() if term.isalpha() and term.islower())
        syllables = [a + b for a in "bcdghjklmnprst" for b in "aeiou"]
        while len(words) < VOCABULARY:
            size = self.dice.choice((2, 3, 3, 4))
            words["".join(self.dice.choices(syllables, k=size)) + self.dice.choice(("", "n", "ng"))] = None
        return list(words)

    def cut_words(self, count: int) -> list[str]:
        """So many that follow one another on the tape."""
        at = int(self.dice.random() * (TAPE - 64))
        return self._tape[at : at + count]

    def _cut_near(self, theme: int, count: int) -> list[str]:
        at = theme + int(self.dice.random() * THEME)
        return self._tape[at : at + count]

    def draw_city(self) -> City:
        return self.dice.choices(self.cities, cum_weights=self._city_weights)[0]

    def make_name(self) -> str:
        return f"{self.dice.choice(self._names)} {self.dice.choice(self._names)}"

    def make_title(self, city: City) -> str:
        words = " ".join(self.cut_words(4 + int(self.dice.random() * 4))).title()
        return self.dice.choice(TITLES).format(city=city.name, words=words)

    def make_text(self, city: City, portal: str, at: datetime) -> str:
        """Paragraphs, the first with the place, the topic and the day."""
        dice = self.dice.random
        size = min(max(LENGTH_LEAST, int(self.dice.lognormvariate(0, LENGTH_SPREAD) * LENGTH_MEDIAN)), LENGTH_MOST)
        lead = self.dice.choice(LEADS).format(
            place=city.name.upper(), portal=portal, city=city.name, name=self.make_name(), day=f"{at:%d/%m/%Y}"
        )
        parts, theme = [lead], int(dice() * (TAPE - 2 * THEME))
        size -= len(lead)
        least, span = SENTENCE[0], SENTENCE[1] - SENTENCE[0] + 1
        while size > 0:
            chance, count = dice(), least + int(dice() * span)
            words = self.cut_words(count) if chance < 1 - OWN else self._cut_near(theme, count)
            sentence = " ".join(words)
            if chance < 0.08:
                sentence += f" sebanyak {int(chance * 1e6)} orang"
            elif chance < 0.16:
                sentence += f", ujar {self.make_name()}"
            parts.append(f"{sentence[0].upper()}{sentence[1:]}.")
            size -= len(sentence) + 2
        return "".join(part + ("\n" if number % PARAGRAPH == 0 else " ") for number, part in enumerate(parts)).strip()

    def edit(self, text: str) -> str:
        """A copy of it: another first paragraph, and one less or more at the end."""
        paragraphs = text.split("\n")
        paragraphs[0] = " ".join(self.cut_words(25)).capitalize() + "."
        if self.dice.random() < 0.5 and len(paragraphs) > 3:
            del paragraphs[-1]
        else:
            paragraphs.append(" ".join(self.cut_words(12)).capitalize() + ".")
        return "\n".join(paragraphs)
