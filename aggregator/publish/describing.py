"""What the documents of our feeds say of themselves. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from aggregator.bounds import TODAY, read_days
from aggregator.feed_rows import FeedRow
from aggregator.feeds import ALL, FeedKind, make_archive_path, make_feed_id, make_feed_path, split_name
from aggregator.models import Language
from aggregator.publish.feed_info import FeedInfo, Format
from aggregator.publish.wording import get_wording
from aggregator.search import NewsQuery
from aggregator.search_terms import QueryError

STYLE_FILE = "feed.xsl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    """The installation that publishes."""

    site_url: str  # "" when it is not configured: addresses are relative to the host then
    name: str
    hubs: tuple[str, ...] = ()

    def locate(self, path: str) -> str:
        """The address of what is at `path` below the front page."""
        return (self.site_url or "/") + path

    @property
    def style_url(self) -> str:
        """Without the host: browsers take a style sheet from the host that they are at only."""
        return urlsplit(self.locate(STYLE_FILE)).path


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A feed that is published as files."""

    name: str
    title: str  # what it is about, by its own name; "" where our wording names it
    began: datetime


def describe_feed(subject: Subject, publisher: Publisher, ending: Format, *, last_page: str | None) -> FeedInfo:
    """The document that people subscribe to; `last_page` is the label of the newest document of its archive."""
    links = () if last_page is None else (("prev-archive", _locate_page(subject, publisher, last_page, ending)),)
    return _describe(subject, publisher, ending, label=None, links=links)


def describe_page(
    subject: Subject,
    publisher: Publisher,
    ending: Format,
    *,
    label: str,
    page_before: str | None,
    page_after: str | None = None,
) -> FeedInfo:
    """A document of the feed's archive, and the labels of its neighbours. The first one alone names the one after it:
    others would change once more when that is closed."""
    links = [("current", publisher.locate(make_feed_path(subject.name, ending)))]
    if page_before is not None:
        links.append(("prev-archive", _locate_page(subject, publisher, page_before, ending)))
    elif page_after is not None:
        links.append(("next-archive", _locate_page(subject, publisher, page_after, ending)))
    return _describe(subject, publisher, ending, label=label, links=tuple(links))


def describe_search(
    query: NewsQuery,
    subjects: Sequence[str],
    publisher: Publisher,
    ending: Format,
    *,
    next_before: str,
    asked_at: str = "",
) -> FeedInfo:
    """A page (RFC 5005, section 3) of what answers a question.

    `subjects`: names of the feeds that it asks in; `next_before`: guid that the next page begins after, "" on the last;
    `asked_at`: path and query that it was asked for at, for a question may be spelt in many ways.
    """
    words = get_wording(query.language)
    about = name_question(query, subjects)
    links = []
    if query.before:
        links.append(("first", _locate_search(query.encode(), publisher, ending)))
    if next_before:
        links.append(("next", _locate_search(query.encode(before=next_before), publisher, ending)))
    encoded = query.encode(before=query.before)
    page = "feeds" if not query.asks_for_everything else ""
    return FeedInfo(
        id=make_feed_id(f"search?{query.encode()}"),
        title=words["title"].format(site=publisher.name, name=about),
        description=words["description"].format(name=about),
        site_url=publisher.locate(""),
        page_url=publisher.locate(page + (f"?{encoded}" if encoded else "")),
        self_url=publisher.locate(asked_at) if asked_at else _locate_search(encoded, publisher, ending),
        format_urls=tuple((other, _locate_search(encoded, publisher, other)) for other in Format if other != ending),
        language=query.language,
        publisher=publisher.name,
        links=tuple(links),
        style_url=publisher.style_url,
    )


def name_question(query: NewsQuery, subjects: Sequence[str]) -> str:
    """What is asked for, for people: “smart city”, Kota Gorontalo, 7 hari terakhir."""
    asked = [f"“{query.words}”"] if query.words else []
    asked += subjects
    asked += [name_period(query.since.text, query.language)] if query.since else []
    return ", ".join(asked) or str(get_wording(query.language)["everything"])


def name_period(since: str, language: Language) -> str:
    """`since` of a question, for people: hari ini, 7 hari terakhir, sejak 2026-11-01."""
    words = get_wording(language)
    if since.lower() == TODAY:
        return str(words["today"])
    days = read_days(since)
    if days == 1:
        return str(words["one_day"])
    return str(words["since"].format(since=since) if days is None else words["days"].format(count=days))


def tell_problem(error: QueryError, language: Language) -> str:
    """What is wrong with the key of a query, and what would be right."""
    return str(get_wording(language)["problems"][error.problem]).format(**error.values)


def describe_refusal(problem: str, publisher: Publisher, *, asked_at: str, language: Language) -> FeedInfo:
    """A document without items that says why there is no feed at this path and query."""
    words = get_wording(language)
    return FeedInfo(
        id=make_feed_id("error"),
        title=words["title"].format(site=publisher.name, name=words["no_feed"]),
        description=problem,
        site_url=publisher.locate(""),
        page_url=publisher.locate("feeds"),
        self_url=publisher.locate(asked_at),
        language=language,
        publisher=publisher.name,
        style_url=publisher.style_url,
    )


def name_subject(name: str, title: str, language: Language) -> str:
    """What a feed is about, for people: "Kota Gorontalo", "Provinsi Bali", "Komisariat Wilayah VI"."""
    words = get_wording(language)
    if name == ALL:
        return str(words["everything"])
    kind, slug = split_name(name)
    if kind in {FeedKind.PROVINCE, FeedKind.KOMWIL}:
        return str(words[kind]).format(name=title)
    tables: Mapping[str, Mapping[str, str]] = {FeedKind.TOPIC: words["topics"], FeedKind.KIND: words["kinds"]}
    return tables.get(kind, {}).get(slug) or title or slug.replace("-", " ").capitalize()


def name_subjects(feeds: Iterable[Iterable[FeedRow]], language: Language) -> tuple[str, ...]:
    """What a question asks in, for people: of each list either one, "Kota Gorontalo atau Kota Manado"."""
    joint = f" {get_wording(language)['either']} "
    return tuple(joint.join(name_subject(feed.name, feed.title, language) for feed in either) for either in feeds)


def entitle_feed(name: str, title: str, publisher: Publisher, language: Language) -> tuple[str, str]:
    """(title, description) of a feed."""
    words = get_wording(language)
    if name == ALL:
        return words["title_all"].format(site=publisher.name), words["description_all"]
    subject = name_subject(name, title, language)
    template = words["title_source" if split_name(name)[0] == FeedKind.SOURCE else "title"]
    return template.format(site=publisher.name, name=subject), words["description"].format(name=subject)


def locate_answer(query: NewsQuery, publisher: Publisher, ending: Format) -> str:
    """The feed that answers a question: the one published as a file, where there is one."""
    if query.static_feed:
        return publisher.locate(make_feed_path(query.static_feed, ending))
    return _locate_search(query.encode(), publisher, ending)


def locate_preview(name: str, publisher: Publisher) -> str:
    """The page for people that shows what a feed holds."""
    kind, slug = split_name(name)
    if name == ALL or kind in {FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL}:
        return publisher.locate("" if name == ALL else name)
    return publisher.locate(f"feeds?{urlencode({kind: slug})}")


def _describe(
    subject: Subject, publisher: Publisher, ending: Format, *, label: str | None, links: tuple[tuple[str, str], ...]
) -> FeedInfo:
    title, description = entitle_feed(subject.name, subject.title, publisher, Language.INDONESIAN)

    def locate(ending: Format) -> str:
        if label is not None:
            return _locate_page(subject, publisher, label, ending)
        return publisher.locate(make_feed_path(subject.name, ending))

    facts: dict[str, Any] = {"title": title, "description": description, "links": links}
    return FeedInfo(
        id=make_feed_id(subject.name),
        site_url=publisher.locate(""),
        page_url=locate_preview(subject.name, publisher),
        self_url=locate(ending),
        format_urls=tuple((other, locate(other)) for other in Format if other is not ending),
        publisher=publisher.name,
        began=subject.began,
        hubs=publisher.hubs if label is None else (),
        is_archive=label is not None,
        style_url=publisher.style_url,
        **facts,
    )


def _locate_search(encoded: str, publisher: Publisher, ending: Format) -> str:
    return publisher.locate(f"feeds/search.{ending}" + (f"?{encoded}" if encoded else ""))


def _locate_page(subject: Subject, publisher: Publisher, label: str, ending: Format) -> str:
    return publisher.locate(make_archive_path(subject.name, label, ending))
