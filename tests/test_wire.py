"""What travels between processes arrives as it was sent, or is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.models import (
    ArticleLink,
    Channel,
    ChannelJob,
    ChannelKind,
    CrawlJob,
    DatePrecision,
    ExtractedArticle,
    FetchedPage,
    Harvest,
    LinkFailure,
    PendingLink,
    Poll,
    PollOutcome,
    RobotsRecord,
    Selectors,
    Source,
    Validators,
)
from aggregator.wire import Codec, WireError
from crawler.batch import ORDER, REPORT, BatchEnd, CrawlBatch, Order, Report
from crawler.overlays import Overlays
from crawler.settings import CrawlSettings

WITA = timezone(timedelta(hours=8))
AT = datetime(2026, 10, 5, 15, 13, 7, 123456, tzinfo=WITA)
LINK = ArticleLink(url="https://kabar.example/a", title="Wali kota “buka”\n\x00pameran", tags=("kota", "😀"))
PAGE = FetchedPage(
    url="https://kabar.example/a",
    link=LINK,
    article=ExtractedArticle(
        title="Judul",
        title_method="h1",
        authors=("Sri", "Budi"),
        author_method="label",
        profile="newspaper",
        published=AT,
        published_precision=DatePrecision.MINUTE,
        text="satu\ndua",
        boilerplate=(-(2**63), 2**63 - 1),
    ),
    fetched_at=datetime(2026, 10, 5, tzinfo=UTC),
    raw=bytes(range(256)),
    page_hash=bytes(range(224, 256)),
)
HARVEST = Harvest(
    source_id="kabar",
    poll=Poll(
        channel_id=7,
        outcome=PollOutcome.CHANGED,
        started_at=AT,
        finished_at=AT,
        validators=Validators(etag='W/"x"', last_modified="Mon", body_hash="0f"),
        ttl_minutes=30,
        retry_after_seconds=5,
    ),
    pages=(PAGE, FetchedPage(url="u", link=LINK, article=None, fetched_at=AT)),
    failures=(LinkFailure(url="u", link=LINK, reason="HTTP 500", permanent=True),),
    deferred=(LINK,),
    robots=(RobotsRecord(host="kabar.example:80", fetched_at=AT, status=200, body=b"\xff\x00"),),
)


def test_a_harvest_arrives_as_it_was_sent() -> None:
    line = REPORT.encode(Report(harvest=HARVEST))
    assert b"\n" not in line
    assert REPORT.decode(line) == Report(harvest=HARVEST)


def test_a_batch_arrives_as_it_was_sent() -> None:
    channel = Channel(kind=ChannelKind.LISTING, url="https://kabar.example/", selectors=Selectors(item="li"))
    job = CrawlJob(
        source=Source(id="kabar", name="Kabar", domain="kabar.example", channels=(channel,)),
        channels=(ChannelJob(channel_id=7, channel=channel),),
        now=AT,
        known={"0f": 1},
        pending=(PendingLink(link=LINK, attempts=2),),
        robots=HARVEST.robots,
    )
    batch = CrawlBatch(
        settings=CrawlSettings(contact="a@b.example"),
        jobs=(job,),
        overlays=Overlays(topics="/t.toml", profiles="/p.toml"),
    )
    assert ORDER.decode(ORDER.encode(Order(batch=batch))).batch == batch


def test_the_end_of_a_batch_arrives() -> None:
    end = Report(end=BatchEnd(harvests=1))
    assert REPORT.decode(REPORT.encode(end)) == end


def test_a_page_of_an_older_or_newer_version_arrives_with_what_both_know() -> None:
    codec = Codec(FetchedPage)
    sent = json.loads(codec.encode(PAGE))
    del sent["page_hash"], sent["article"]["title_method"], sent["article"]["author_method"], sent["article"]["profile"]
    sent["article"]["mood"] = sent["weather"] = "of a version to come"
    article = replace(PAGE.article, title_method="", author_method="", profile="") if PAGE.article else None
    assert codec.decode(json.dumps(sent).encode()) == replace(PAGE, page_hash=b"", article=article)


@given(st.text(), st.binary(max_size=50))
def test_any_text_and_bytes_survive(text: str, raw: bytes) -> None:
    page = FetchedPage(url="u", link=ArticleLink(url=text), article=None, fetched_at=AT, raw=raw)
    codec = Codec(FetchedPage)
    assert codec.decode(codec.encode(page)) == page


def test_lone_surrogates_become_question_marks() -> None:
    codec = Codec(ArticleLink)
    sent = ArticleLink(url="u", title="a\ud800b", tags=("\udfff",))
    assert codec.decode(codec.encode(sent)) == ArticleLink(url="u", title="a?b", tags=("?",))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(REPORT.encode(Report(harvest=HARVEST))[:-20], id="cut"),
        pytest.param(b"Traceback (most recent call last):", id="something printed"),
        pytest.param(b"[]", id="another shape"),
        pytest.param(b'{"harvest": {"source_id": 5}}', id="another type"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        REPORT.decode(line)
