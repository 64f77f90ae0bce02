"""Made-up news, on topic, each unlike all others; the same for the same name and number."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from aggregator.reference import load_cities
from aggregator.stories import load_common_words

SENTENCES, WORDS = 14, 13


@dataclass(frozen=True, kw_only=True)
class News:
    number: int  # within its case
    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)

    @property
    def html(self) -> str:
        return "".join(f"<p>{paragraph}</p>" for paragraph in self.paragraphs)


@cache
def make_news(name: str, number: int = 1) -> News:
    """The news of that number at the host of that name."""
    dice = random.Random(f"{name}/{number}")
    city = dice.choice([city.name for city in load_cities()])
    words = _list_words()
    subject = " ".join(dice.sample(words, 3))
    lead = (
        f"{city.upper()} – Wali Kota {city} membawa {subject} ke rapat kerja nasional Asosiasi Pemerintah Kota Seluruh"
        f" Indonesia (APEKSI), lalu meminta kota cerdas yang {' '.join(dice.sample(words, 8))}."
    )
    sentences = [" ".join(dice.sample(words, WORDS)).capitalize() + "." for _ in range(SENTENCES)]
    body = [" ".join(sentences[at : at + 3]) for at in range(0, SENTENCES, 3)]
    return News(
        number=number,
        title=f"Wali Kota {city} Bahas {subject.title()} di APEKSI",
        paragraphs=(lead, *body),
    )


@cache
def _list_words() -> list[str]:
    return sorted({word for word in load_common_words() if word.isalpha() and word.islower() and len(word) > 3})
