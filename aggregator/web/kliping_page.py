"""What the page of a kliping shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from aggregator.cleaning import xml_safe
from aggregator.feeds import FeedKind
from aggregator.kliping.model import Kliping
from aggregator.kliping.print_page import Sheet, render_sheet
from aggregator.kliping.text import render_brief
from aggregator.kliping.whatsapp import render_whatsapp
from aggregator.kliping.wording import entitle
from aggregator.models import Language
from aggregator.reference import load_cities
from aggregator.web.asking import Problem, tell_unknown_name
from aggregator.web.feeds_form import Asked, Choice
from aggregator.web.finding import RefusalError, UnknownNameError
from aggregator.web.kliping_query import DAYS_OFFERED, ZONES, KlipingQuery
from aggregator.web.links import make_feeds_link, make_query_link
from aggregator.web.texts import Texts

WHATSAPP_LINK_LIMIT = 4_000  # characters of an address that phones still take
MAIL_LIMIT = 1_200  # characters of the body of a mailto link: encoded it is up to three times as long
_PATH = "/kliping"


@dataclass(frozen=True, kw_only=True, slots=True)
class KlipingForm:
    """The form in which another kliping is asked for, filled with this one."""

    words: str
    city: str
    cities: tuple[Choice, ...]
    hidden: tuple[tuple[str, str], ...]  # other filters
    filters_url: str  # where they can be changed
    office: str
    zone: str
    zones: tuple[Choice, ...]
    days: str
    periods: tuple[Choice, ...]
    from_day: str
    to_day: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KlipingTools:
    """What can be done with it."""

    docx_url: str
    text_url: str
    mail_url: str
    whatsapp: tuple[str, ...]  # messages
    whatsapp_url: str  # "" where it is too long for a link
    feed_url: str
    digest: str  # lines for alerts.toml


@dataclass(frozen=True, kw_only=True, slots=True)
class KlipingPage:
    title: str
    subject: str
    form: KlipingForm
    is_open: bool  # the form: nothing was asked for yet, or nothing can be shown
    sheet: Sheet | None
    tools: KlipingTools | None  # None where there is nothing to send
    longer: tuple[tuple[str, str], ...]  # (name, address) of longer periods, where there is nothing
    problem: Problem | None


def build_kliping_page(asked: KlipingQuery, kliping: Kliping, texts: Texts, *, site_url: str) -> KlipingPage:
    """The page of a kliping, with nothing in it or much. `site_url`: from here our pages are linked to without it."""
    stories = tuple(replace(story, url=_shorten(story.url, site_url)) for story in kliping.stories)
    return KlipingPage(
        title=entitle(kliping),
        subject=kliping.subject,
        form=_build_form(asked.pairs, asked, texts),
        is_open=not asked.filters,
        sheet=render_sheet(replace(kliping, stories=stories)),
        tools=_build_tools(asked, kliping, texts) if kliping.news else None,
        longer=() if kliping.news else tuple(_list_longer(asked, texts)),
        problem=None,
    )


def build_refusal_page(
    pairs: Sequence[tuple[str, str]], texts: Texts, refusal: RefusalError, titles: Mapping[str, str]
) -> KlipingPage:
    """The page that says why there is none; `titles` of the feeds that may have been meant, by slug."""
    safe = [(xml_safe(key), xml_safe(value).strip()) for key, value in pairs if key != "lang"]
    return KlipingPage(
        title=texts["kliping_title"],
        subject="",
        form=_build_form(safe, None, texts),
        is_open=True,
        sheet=None,
        tools=None,
        longer=(),
        problem=_tell_problem(refusal, safe, titles, texts),
    )


def _shorten(url: str, site_url: str) -> str:
    return f"/{url.removeprefix(site_url)}" if site_url and url.startswith(site_url) else url


# ── the form ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _build_form(pairs: Sequence[tuple[str, str]], asked: KlipingQuery | None, texts: Texts) -> KlipingForm:
    """`asked`: None where the pairs say something that cannot be understood; only what is harmless is kept then."""
    last = dict(pairs)
    cities = tuple(Choice(value=city.slug, name=city.full_name) for city in load_cities())
    slugs = [value.lower() for key, value in pairs if key == FeedKind.CITY]
    chosen = next((slug for slug in slugs if any(city.value == slug for city in cities)), "")
    others = [(key, value) for key, value in asked.filters if key not in {"q", "since"}] if asked else []
    hidden = tuple((key, value) for key, value in others if (key, value.lower()) != (FeedKind.CITY, chosen))
    days = [*DAYS_OFFERED, *([asked.days] if asked and asked.days and asked.days not in DAYS_OFFERED else [])]
    return KlipingForm(
        words=" ".join(value for key, value in pairs if key == "q")[:300],
        city=chosen,
        cities=tuple(sorted(cities, key=lambda city: city.name)),
        hidden=hidden,
        filters_url=make_feeds_link(asked.filters if asked else (), texts.language),
        office=asked.office if asked else last.get("office", "")[:80],
        zone=asked.zone_key if asked else "wib",
        zones=tuple(Choice(value=key, name=f"{key.upper()} ({place})") for key, place in ZONES.items()),
        days=str(asked.days) if asked and asked.days else "1",
        periods=tuple(Choice(value=str(each), name=_name_days(each, texts)) for each in sorted(days)),
        from_day=asked.from_day if asked else "",
        to_day=asked.to_day if asked else "",
    )


def _name_days(days: int, texts: Texts) -> str:
    return str(texts["kliping_days"].format(count=days)) if days > 1 else str(texts["kliping_day"])


def _list_longer(asked: KlipingQuery, texts: Texts) -> list[tuple[str, str]]:
    kept = [(key, value) for key, value in asked.pairs if key not in {"days", "from", "to", "since"}]
    return [
        (_name_days(days, texts), make_query_link(_PATH, [*kept, ("days", str(days))], texts.language))
        for days in DAYS_OFFERED
        if days > (asked.days or 1)
    ]


def _tell_problem(
    refusal: RefusalError, pairs: Sequence[tuple[str, str]], titles: Mapping[str, str], texts: Texts
) -> Problem:
    if not isinstance(refusal, UnknownNameError):
        return Problem(text=xml_safe(str(refusal)))
    asked = Asked(pairs=tuple(pairs), has_question=True)
    return tell_unknown_name(refusal, asked, titles, texts, _PATH)


# ── what can be done with it ───────────────────────────────────────────────────────────────────────────────────────


def _build_tools(asked: KlipingQuery, kliping: Kliping, texts: Texts) -> KlipingTools:
    messages = render_whatsapp(kliping)
    whatsapp_url = f"https://wa.me/?text={quote(messages[0], safe='')}"
    mail = {"subject": entitle(kliping), "body": render_brief(kliping, MAIL_LIMIT)}
    return KlipingTools(
        docx_url=make_query_link(f"{_PATH}.docx", asked.pairs, texts.language),
        text_url=make_query_link(f"{_PATH}.txt", asked.pairs, texts.language),
        mail_url="mailto:?" + urlencode(mail, quote_via=quote),
        whatsapp=messages,
        whatsapp_url=whatsapp_url if len(messages) == 1 and len(whatsapp_url) <= WHATSAPP_LINK_LIMIT else "",
        feed_url=kliping.feed_url,
        digest=_write_digest(asked, kliping),
    )


def _write_digest(asked: KlipingQuery, kliping: Kliping) -> str:
    """A table for data/alerts.toml that sends the same each morning."""
    import tomlkit

    table = tomlkit.table()
    table["office"] = asked.office or kliping.subject
    table["zone"] = ZONES[asked.zone_key]
    table["at"] = "06:30"
    if kliping.language is not Language.INDONESIAN:
        table["language"] = kliping.language.value
    for key in dict.fromkeys(key for key, _ in asked.filters if key not in {"archive", "since"}):
        values = [value for name, value in asked.filters if name == key]
        table[key] = values[0] if len(values) == 1 else values
    table["to"] = ["humas"]
    document = tomlkit.document()
    name = kliping.file_name.removeprefix("kliping-")[: -len("2026-11-27")].rstrip("-") or "harian"
    document["digests"] = tomlkit.table(is_super_table=True).append(name, table)
    return tomlkit.dumps(document)
