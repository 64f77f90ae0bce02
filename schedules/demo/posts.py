"""The articles as they stand on their portals on the day of the demo. Pure: the moment is given."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

from schedules.demo.articles import Article, load_articles
from schedules.demo.dialects import fill_days, write_date
from schedules.demo.portals import Portal, load_portals

SLUG_LENGTH = 80
TEXT_ZONE = ZoneInfo("Asia/Jakarta")  # one for all texts, so that the copies of a release name the same day


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """An article on its portal. Instants are in the portal's zone, to the minute, before `now`."""

    article: Article
    portal: Portal
    number: int
    headline: str
    paragraphs: tuple[str, ...]  # as printed: days filled in, place line before the first
    published: datetime
    modified: datetime | None
    corrected: datetime | None  # until then it was the article's first version
    path: str
    url: str

    @property
    def changed(self) -> datetime:
        return self.modified or self.published

    def stand_at(self, moment: datetime) -> Post:
        """As it was to be read at a moment since its publication."""
        modified = self.modified if self.modified and self.modified <= moment else None
        if self.article.first is None or self.corrected is None or self.corrected <= moment:
            return replace(self, modified=modified)
        said = self.article.first.said
        paragraphs = tuple(_put_back(paragraph, said) for paragraph in self.paragraphs)
        return replace(self, modified=modified, headline=_put_back(self.headline, said), paragraphs=paragraphs)

    @property
    def page_count(self) -> int:
        length = self.article.page_length or len(self.paragraphs)
        return -(-len(self.paragraphs) // length)


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """All that one portal shows at a moment, newest first."""

    portal: Portal
    posts: tuple[Post, ...]
    now: datetime  # the moment
    origin: str
    delay_seconds: float = 0
    is_down: bool = False

    def pick_others(self, post: Post, count: int) -> tuple[Post, ...]:
        """The posts that follow `post` in the circle of all: for "Baca juga" and the sidebar."""
        at = self.posts.index(post)
        return (*self.posts[at + 1 :], *self.posts[:at])[:count]


def publish_posts(now: datetime, port: int) -> tuple[Post, ...]:
    """All articles on the day of `now` (aware), served on `port`; newest first."""
    portals = load_portals()
    posts = [
        _publish(article, portals[article.portal], number, now, port)
        for number, article in enumerate(load_articles(), start=4127)  # portals do not start at 1
    ]
    return tuple(sorted(posts, key=lambda post: post.published, reverse=True))


def make_editions(now: datetime, port: int, moment: datetime | None = None) -> dict[str, Edition]:
    """What each portal shows on the day of the demo, or showed at a moment before it; by slug."""
    moment = moment or now
    posts = [post.stand_at(moment) for post in publish_posts(now, port) if post.published <= moment]
    ago = (now - moment) / timedelta(hours=1)
    return {
        slug: Edition(
            portal=portal,
            posts=tuple(post for post in posts if post.portal is portal),
            now=moment,
            origin=portal.get_origin(port),
            delay_seconds=portal.delay_seconds if moment == now else 0,
            is_down=any(begins >= ago >= ends for begins, ends in portal.outages),
        )
        for slug, portal in load_portals().items()
    }


def make_slug(headline: str) -> str:
    """E.g. "Rakernas APEKSI: 3 Hal" → "rakernas-apeksi-3-hal", cut at a word."""
    words = re.findall(r"[a-z0-9]+", headline.lower())
    while len("-".join(words)) > SLUG_LENGTH:
        words.pop()
    return "-".join(words)


def _publish(article: Article, portal: Portal, number: int, now: datetime, port: int) -> Post:
    published = _go_back(now, article.hours, article.id, portal)
    day = (now - timedelta(hours=article.held)).astimezone(TEXT_ZONE)
    headline = fill_days(article.headline, day)
    permalink = portal.permalink.replace("{slug}", make_slug(headline)).replace("{number}", str(number))
    path = write_date(published, permalink, now)
    return Post(
        article=article,
        portal=portal,
        number=number,
        headline=headline,
        paragraphs=_print_paragraphs(article, portal, day),
        published=published,
        modified=_go_back(now, article.updated, article.id, portal) if article.updated is not None else None,
        corrected=_go_back(now, article.first.until, article.id, portal) if article.first else None,
        path=path,
        url=portal.get_origin(port) + path,
    )


def _go_back(now: datetime, hours: float, key: str, portal: Portal) -> datetime:
    """`hours` before `now` and some minutes more (nobody publishes on the hour), in the portal's zone."""
    jitter = crc32(key.encode()) % 57
    at = now - timedelta(hours=hours, minutes=jitter)
    return at.astimezone(portal.zone).replace(second=0, microsecond=0)


def _put_back(text: str, said: dict[str, str]) -> str:
    for today, first in said.items():
        text = text.replace(today, first)
    return text


def _print_paragraphs(article: Article, portal: Portal, day: datetime) -> tuple[str, ...]:
    place_line = portal.place_line.format(place=article.place, PLACE=article.place.upper()) if article.place else ""
    first, *others = (fill_days(paragraph, day) for paragraph in article.paragraphs)
    return (place_line + first, *others)
