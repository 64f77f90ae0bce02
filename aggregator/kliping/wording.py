"""Our own words in a kliping, and how it tells days, hours and who carries what. PURE."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.models import Language
from aggregator.times import TimeWords, get_time_words

NAMES_TOLD = 5  # of portals in a line; the page of the story names all
PLACES_TOLD = 3
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language, and the phrases that are made of them."""

    table: dict[str, Any]
    times: TimeWords

    def __getitem__(self, key: str) -> str:
        return str(self.table[key])

    def tell_when(self, clipping: Clipping) -> str:
        """E.g. "Jumat, 27 November 2026, 14.05 WITA"; only the day where no more is known."""
        if not clipping.has_hour:
            return self.times.format_day(clipping.published)
        moment = self.times.format_moment(clipping.published)
        return self["first_seen"].format(moment=moment) if clipping.is_first_seen else moment

    def tell_medium(self, clipping: Clipping) -> str:
        """E.g. "Kabar Tomini (portal daerah)"."""
        return f"{clipping.medium} ({clipping.kind})" if clipping.kind else clipping.medium

    def tell_source(self, clipping: Clipping) -> str:
        """Medium and date."""
        return f"{self.tell_medium(clipping)}, {self.tell_when(clipping)}"

    def tell_copies(self, clipping: Clipping, most: int = NAMES_TOLD) -> str:
        """Who else carries it; "" for nobody."""
        names = [medium for medium, _ in clipping.copies[:most]]
        more = len(clipping.copies) - len(names) + clipping.more_copies
        if not names:
            return ""
        return self["copies_more" if more else "copies"].format(names=", ".join(names), count=more)

    def tell_event(self, story: KlipingStory) -> str:
        """Over the clippings of a story of several."""
        return self["event"].format(count=len(story.clippings))

    def tell_places(self, story: KlipingStory) -> str:
        """Where it happened, and on what: "Kota Gorontalo · APEKSI"."""
        places = ", ".join(story.cities[:PLACES_TOLD])
        if more := len(story.cities) - PLACES_TOLD:
            places = self["more_places"].format(names=places, count=more) if more > 0 else places
        return " · ".join(filter(None, (places, *story.topics)))

    def count(self, what: str, count: int) -> str:
        """E.g. "12 berita", "1 piece of news"; `what`: news, events, portals, articles."""
        one, several = self.table["counted"][what]
        return str(one if count == 1 else several).format(count=count)

    def name_kind(self, kind: str) -> str:
        """Of a source; "" for what has no name worth telling."""
        return str(self.table["kinds"].get(kind, ""))

    def tell_counts(self, kliping: Kliping) -> str:
        """E.g. "12 berita dalam 9 peristiwa, dimuat 23 portal (41 artikel)"."""
        counted = ("news", "events", "portals", "articles")
        return self["counts"].format(**{what: self.count(what, getattr(kliping, what)) for what in counted})

    def tell_day(self, kliping: Kliping) -> str:
        """The day that it is of: the last one in it."""
        return self.times.format_day(get_day(kliping.until, kliping.zone))

    def tell_period(self, kliping: Kliping) -> str:
        """A day, several days, or from when to when where those are no whole days."""
        since, until = kliping.since.astimezone(kliping.zone), kliping.until.astimezone(kliping.zone)
        if {since.time(), until.time()} != {time()}:
            return self["period"].format(since=self.times.format_moment(since), until=self.times.format_moment(until))
        last = self.tell_day(kliping)
        if until - since == timedelta(days=1):
            return last
        return self["days"].format(since=self.times.format_day(since), until=last)

    def tell_rest(self, count: int, url: str = "") -> str:
        """That so many are left out, and where they are."""
        return self["rest_at" if url else "rest"].format(count=count, url=url)


@cache
def get_words(language: Language) -> Wording:
    """The words of wording.toml in `language`."""
    table = tomllib.loads(files("aggregator.kliping").joinpath("wording.toml").read_text(encoding="utf-8"))
    return Wording(table[language.value], get_time_words(language))


def entitle(kliping: Kliping) -> str:
    """For the subject of an e-mail: "Kliping berita: Kota Gorontalo, Jumat, 27 November 2026 (12 berita)"."""
    words = get_words(kliping.language)
    return words["subject_line"].format(
        title=kliping.title, day=words.tell_day(kliping), news=words.count("news", kliping.news)
    )


def get_day(until: datetime, zone: tzinfo) -> datetime:
    """The last day before `until` in the zone."""
    return until.astimezone(zone) - _MOMENT


def get_public_url(url: str, most: int = 8_000) -> str:
    """The address where it can be followed from elsewhere and is no longer than that, else ""."""
    return url if url.startswith(("http://", "https://")) and len(url) <= most else ""
