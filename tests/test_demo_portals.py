"""The demo's sample portals: what they hold, and what they answer when really asked over loopback."""

from __future__ import annotations

import gzip
import html
import json
import re
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import httpx
import pytest
from hatchling.builders.wheel import WheelBuilder
from lxml import etree
from lxml import html as lxml_html
from protego import Protego

from aggregator.regions import load_cities
from crawler.catalogue import load_catalogue
from schedules.demo import Article, PortalServer, Post, load_articles, load_portals, publish_posts, serve_portals
from schedules.demo.articles import _make_own, _repost, split_paragraphs
from schedules.demo.dialects import fill_days, write_date
from schedules.demo.posts import Edition, make_editions, make_slug

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 23, 15, 30, tzinfo=ZoneInfo("Asia/Jakarta"))
MOMENTS = [
    pytest.param(NOW, id="an afternoon"),
    pytest.param(datetime(2027, 1, 1, 0, 5, tzinfo=ZoneInfo("Asia/Jakarta")), id="New Year, just after midnight"),
    pytest.param(datetime(2028, 2, 29, 16, 30, tzinfo=UTC), id="leap day, tomorrow in Jayapura"),
]
ARTICLES = load_articles()


class Client:
    """Asks one portal server as a crawler does: by address, the portal in the Host header."""

    def __init__(self, server: PortalServer) -> None:
        self.server = server
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=10)

    def get(self, slug: str, path: str, **headers: str) -> httpx.Response:
        return self._http.get(path, headers={"Host": f"{slug}.localhost:{self.server.port}", **headers})

    def get_post(self, post: Post, **headers: str) -> httpx.Response:
        return self.get(post.portal.slug, post.path, **headers)

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serve_portals(NOW) as server:
        asking = Client(server)
        yield asking
        asking.close()


def get_posts(slug: str) -> list[Post]:
    return [post for post in publish_posts(NOW, 80) if post.portal.slug == slug]


def get_post(article_id: str) -> Post:
    return next(post for post in publish_posts(NOW, 80) if post.article.id == article_id)


def read_text(page: str) -> str:
    """The words of a page, the markup gone, every gap one space."""
    return " ".join(lxml_html.fromstring(page).text_content().split())


def cut_shingles(article: Article, words: int = 3) -> set[tuple[str, ...]]:
    found = re.findall(r"\w+", " ".join(article.paragraphs).casefold())
    return {tuple(found[at : at + words]) for at in range(len(found) - words + 1)}


def contain(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / max(8, min(len(one), len(other)))


SHINGLES = {article.id: cut_shingles(article) for article in ARTICLES}


# ── the content ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_enough_of_everything() -> None:
    kinds = Counter(
        "spam" if a.spam else "lookalike" if a.lookalike else "on topic" if a.topics else "off topic" for a in ARTICLES
    )
    assert len(ARTICLES) >= 90
    assert len({article.portal for article in ARTICLES}) >= 14
    assert kinds["on topic"] >= 40
    assert kinds["off topic"] >= 25
    assert kinds["lookalike"] >= 10
    assert kinds["spam"] == 1
    assert {topic for article in ARTICLES for topic in article.topics} == {"apeksi", "smart-city"}


def test_ids_headlines_and_addresses_are_unique() -> None:
    posts = publish_posts(NOW, 80)
    for values in (
        [post.article.id for post in posts],
        [post.headline for post in posts],
        [post.url for post in posts],
        [make_slug(post.headline) for post in posts],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_articles_have_the_length_of_news() -> None:
    for article in ARTICLES:
        copied_in_part = article.release and len(article.paragraphs) >= 2
        short = article.lookalike or article.portal == "dinas-pertamanan" or "--" in article.id
        assert copied_in_part or 3 + (not short) <= len(article.paragraphs) <= 9, article.id


def test_cities_are_members_of_all_three_zones() -> None:
    zones = {city.slug: city.timezone for city in load_cities()}
    named = {article.city for article in ARTICLES if article.city}
    assert named <= zones.keys()
    on_topic = {article.city for article in ARTICLES if article.topics and article.city}
    assert len(on_topic) >= 15
    assert {zones[city] for city in on_topic} == {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}


def test_releases_are_reposted_by_three_to_six_portals() -> None:
    releases = defaultdict(list)
    for article in ARTICLES:
        if article.release:
            releases[article.release].append(article.portal)
    assert sum(1 for release in releases if any(a.topics for a in ARTICLES if a.release == release)) >= 4
    for release, portals in releases.items():
        assert 3 <= len(portals) <= 6, release
        assert len(set(portals)) == len(portals), release


def test_reposts_share_their_text_and_nothing_else_does() -> None:
    for one, other in combinations(ARTICLES, 2):
        shared = contain(SHINGLES[one.id], SHINGLES[other.id])
        if one.release and one.release == other.release:
            assert shared >= 0.45, (one.id, other.id)
        elif one.id.split("--")[0] != other.id.split("--")[0]:  # editions of a series are alike on purpose
            assert shared < 0.1, (one.id, other.id)


def test_reposts_differ_in_headline_and_mostly_in_length() -> None:
    copies = [article for article in ARTICLES if article.release == "rakernas-banjarmasin"]
    assert len({article.headline for article in copies}) == len(copies)
    assert min(len(article.paragraphs) for article in copies) == 2
    assert len({article.byline for article in copies}) >= 4


def test_stories_hold_other_texts_on_the_same_event() -> None:
    stories = defaultdict(set)
    for article in ARTICLES:
        if article.topics and article.story:
            stories[article.story].add(article.release or article.id)
    assert sum(len(groups) >= 2 for groups in stories.values()) >= 4


def test_a_series_prints_the_same_sentences_with_other_numbers() -> None:
    editions = [article for article in ARTICLES if article.id.startswith("jadwal-salat-medan--")]
    assert len(editions) == 4
    assert contain(SHINGLES[editions[0].id], SHINGLES[editions[1].id]) > 0.6
    assert len({article.paragraphs for article in editions}) == 4


def test_a_repost_is_cut_reworded_and_extended() -> None:
    release = {"id": "r", "held": 9, "text": "Satu kata.\n\nDua kata.\n\nTiga kata.", "headline": "", "post": []}
    post = {"portal": "p", "hours": 5, "keep": 2, "swap": {"Dua": "Kedua"}, "before": "Nol.", "after": "Ujung."}
    article = _repost(release, post)
    assert article.paragraphs == ("Nol.", "Satu kata.", "Kedua kata.", "Ujung.")
    assert (article.id, article.release, article.held) == ("r--p", "r", 9)


def test_a_swap_that_would_change_nothing_is_an_error() -> None:
    release = {"id": "r", "held": 9, "text": "Satu.\n\nDua.", "headline": "", "post": []}
    with pytest.raises(ValueError, match="Dua"):
        _repost(release, {"portal": "p", "hours": 5, "keep": 1, "swap": {"Dua": "Kedua"}})


def test_an_article_speaks_of_the_day_some_hours_before_it_was_printed() -> None:
    article = _make_own({"id": "a", "portal": "p", "hours": 5, "headline": "", "text": "Satu\nbaris.\n\n\nDua."})
    assert article.held > article.hours
    assert article.paragraphs == tuple(split_paragraphs("Satu baris.\n\nDua."))


def test_the_wheel_holds_every_file_of_the_demo() -> None:
    shipped = {Path(file.distribution_path) for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    demo = Path("schedules/demo")
    here = {path.relative_to(ROOT) for path in (ROOT / demo).rglob("*.*") if "__pycache__" not in path.parts}
    assert here <= shipped
    assert len([path for path in here if path.suffix in (".toml", ".j2")]) >= 20


@pytest.mark.parametrize("folder", ["content", "content/articles", "templates", "templates/themes"])
def test_data_files_are_readable_as_package_resources(folder: str) -> None:
    names = [path.name for path in (files("schedules.demo") / folder).iterdir() if path.is_file()]
    assert names
    assert all((files("schedules.demo") / folder / name).read_text(encoding="utf-8") for name in names)


# ── dates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("now", MOMENTS)
def test_everything_was_published_in_the_last_days_and_nothing_ahead(now: datetime) -> None:
    old = [post for post in publish_posts(now, 80) if post.article.archived]
    assert all(timedelta(days=20) < now - post.published < timedelta(days=30) for post in old)
    posts = [post for post in publish_posts(now, 80) if not post.article.archived]
    ages = [now - post.published for post in posts]
    assert all(post.published <= post.changed <= now for post in posts)
    assert min(ages) > timedelta(0)
    assert max(ages) < timedelta(days=7)
    assert sum(age <= timedelta(hours=72) for age in ages) > len(posts) * 0.7
    assert len({post.published.minute for post in posts}) > 30


@pytest.mark.parametrize("now", MOMENTS)
def test_texts_and_addresses_have_their_days_filled_in(now: datetime) -> None:
    posts = publish_posts(now, 80)
    for post in posts:
        assert not re.search(r"[{}]", " ".join((post.headline, post.path, *post.paragraphs))), post.article.id
    assert len({post.url for post in posts}) == len(posts)


@pytest.mark.parametrize("now", MOMENTS)
def test_copies_of_a_release_name_the_same_day(now: datetime) -> None:
    named = defaultdict(set)
    for post in publish_posts(now, 80):
        if post.article.release:
            named[post.article.release].update(re.findall(r"\w+ \(\d+/\d+/\d+\)", " ".join(post.paragraphs)))
    assert named
    assert all(len(days) == 1 for days in named.values()), named


def test_one_article_was_updated_after_publication() -> None:
    updated = [post for post in publish_posts(NOW, 80) if post.modified]
    assert [post.headline.startswith("[UPDATE]") for post in updated] == [True]
    assert updated[0].changed > updated[0].published


def test_portals_stand_as_they_did_at_an_earlier_moment(client: Client) -> None:
    def look(hours: float) -> dict[str, Edition]:
        return make_editions(NOW, 80, NOW - timedelta(hours=hours))

    today, before = look(0), look(144)
    fail_when_empty = {"listing", "sitemap-index", "atom"}
    assert all(edition.posts for edition in before.values() if fail_when_empty & set(edition.portal.routes.values()))
    assert {slug for slug, edition in before.items() if len(edition.posts) < len(today[slug].posts)} > {"jejak-tepian"}
    assert {slug for slug, edition in look(48).items() if edition.is_down} == {"lentera-musi", "tifa-cenderawasih"}
    assert (look(1)["sasando-pos"].delay_seconds, today["sasando-pos"].delay_seconds) == (0, 3)
    client.server.stand_at(NOW - timedelta(hours=48))
    try:
        assert client.get("lentera-musi", "/feed/").status_code == 503
    finally:
        client.server.stand_at(NOW)
    assert client.get("lentera-musi", "/feed/").status_code == 200


def test_what_a_portal_changed_silently_is_in_no_date_and_at_no_other_address() -> None:
    changed = [post for post in publish_posts(NOW, 80) if post.corrected]
    assert len(changed) == 3
    for post in changed:
        assert post.article.first is not None
        assert post.corrected is not None
        before = post.stand_at(post.corrected - timedelta(minutes=1))
        said = "\n".join((before.headline, *before.paragraphs))
        assert all(first in said and today not in said for today, first in post.article.first.said.items())
        assert (before.path, before.modified, post.modified) == (post.path, None, None)
        assert post.stand_at(post.corrected) == post


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("{hari}, {tgl} {bulan} {tahun} | {jam}.{menit} {zona}", "Minggu, 3 Mei 2026 | 01.05 WITA"),
        ("{hari} ({tgl}/{bln_angka}/{tahun}) {jam}.{menit} {zona}", "Minggu (3/5/2026) 01.05 WITA"),
        ("{hr}, {tgl_dua} {bln} {tahun} {jam}:{menit}:{detik} +0800", "Min, 03 Mei 2026 01:05:00 +0800"),
        ("{month} {tgl}, {tahun}", "May 3, 2026"),
        ("{rfc822}", "Sun, 03 May 2026 01:05:00 +0800"),
        ("{rfc822_utc}", "Sat, 02 May 2026 17:05:00 +0000"),
        ("{iso}", "2026-05-03T01:05:00+08:00"),
        ("{lalu}", "2 jam lalu"),
    ],
)
def test_a_moment_is_written_in_the_portals_dialect(pattern: str, written: str) -> None:
    at = datetime(2026, 5, 3, 1, 5, tzinfo=ZoneInfo("Asia/Makassar"))
    assert write_date(at, pattern, now=at + timedelta(hours=2, minutes=59)) == written


def test_human_ages_go_by_minutes_hours_and_days() -> None:
    ages = (timedelta(minutes=9), timedelta(minutes=60), timedelta(hours=49))
    assert [write_date(NOW - age, "{lalu}", NOW) for age in ages] == ["9 menit lalu", "1 jam lalu", "2 hari lalu"]


def test_days_in_texts_count_from_the_event() -> None:
    day = datetime(2026, 12, 31, 20, 0, tzinfo=ZoneInfo("Asia/Jakarta"))
    text = "{hari}, ditutup {nama+2} ({tanggal+2}), sejak {tanggal-1}"
    assert fill_days(text, day) == "Kamis (31/12/2026), ditutup Sabtu (2 Januari 2027), sejak 30 Desember 2026"


def test_slugs_end_at_a_word() -> None:
    assert make_slug("Rakernas APEKSI: 3 Hal, “Penting”") == "rakernas-apeksi-3-hal-penting"
    assert make_slug("kata " * 40) == "-".join(["kata"] * 16)


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_article_is_served_with_its_text(client: Client) -> None:
    for post in client.server.expectations:
        answer = client.get_post(post)
        assert answer.status_code == 200, post.url
        text = read_text(answer.content.decode(post.portal.charset))
        for number in range(2, post.page_count + 1):
            text += read_text(client.get(post.portal.slug, f"{post.path}?page={number}").text)
        for part in (post.headline, *post.paragraphs):
            assert part in text, post.url
        assert "rekaan untuk demo Kabar Kota" in text
        assert post.url in answer.text


def test_an_article_over_two_pages_shows_a_part_on_each(client: Client) -> None:
    post = get_post("dua-halaman-samarinda")
    half = len(post.paragraphs) // 2
    for query, shown in (("", 0), ("?page=1", 0), ("?page=2", half), ("?page=3", 0), ("?page=x", 0)):
        text = read_text(client.get(post.portal.slug, post.path + query).text)
        printed = [paragraph in text for paragraph in post.paragraphs]
        assert printed == [shown <= at < shown + half for at in range(len(post.paragraphs))], query
        assert ("Halaman selanjutnya" in text) == (shown == 0)


def test_every_theme_is_used_and_has_furniture_of_its_own(client: Client) -> None:
    themes = {path.name.partition(".")[0] for path in (files("schedules.demo") / "templates/themes").iterdir()}
    assert themes == {portal.theme for portal in load_portals().values()}
    first = {post.portal.theme: post for post in client.server.expectations}
    classes = {theme: set(re.findall(r'class="([^"]+)"', client.get_post(post).text)) for theme, post in first.items()}
    for theme, own in classes.items():
        assert len(own.difference(*(classes[other] for other in themes - {theme}))) >= 5, theme


@pytest.mark.parametrize("slug", sorted(load_portals().keys() - {"gerbang-timur"}))
def test_an_article_says_when_it_was_published(client: Client, slug: str) -> None:
    post = get_posts(slug)[-1]
    page = client.get_post(post).content.decode(post.portal.charset)
    assert write_date(post.published, post.portal.page_date, NOW) in html.unescape(page)


@pytest.mark.parametrize("slug", ["suara-brantas", "pemkot-ambon", "surau-kabar", "podium-deli"])
def test_some_pages_have_no_date_for_machines(client: Client, slug: str) -> None:
    post = get_posts(slug)[0]
    page = client.get_post(post).content.decode(post.portal.charset)
    assert f"{post.published:%Y-%m-%d}" not in page
    assert not re.search(r"<time|published_time|ld\+json|<abbr", page)


def test_a_national_portal_has_an_article_in_its_json_ld_graph(client: Client) -> None:
    post = get_post("sensor-tangsel")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', client.get_post(post).text, re.DOTALL)
    assert found
    graph = {node["@type"]: node for node in json.loads(found[1])["@graph"]}
    assert graph["NewsArticle"]["headline"] == post.headline
    assert datetime.fromisoformat(graph["NewsArticle"]["datePublished"]) == post.published
    assert graph["NewsArticle"]["author"]["name"] == post.article.byline


def test_an_update_names_both_dates(client: Client) -> None:
    post = get_post("city-expo-transaksi")
    page = client.get_post(post).text
    assert post.modified
    assert f'article:published_time" content="{post.published.isoformat()}"' in page
    assert f'article:modified_time" content="{post.modified.isoformat()}"' in page


def test_one_theme_writes_an_age_where_machines_look_for_a_date(client: Client) -> None:
    page = client.get_post(get_post("command-gorontalo")).text
    assert re.search(r'<time class="entry-date published"[^>]* datetime="\d+ (jam|hari) lalu"', page)


def test_an_old_portal_writes_windows_1252(client: Client) -> None:
    answer = client.get_post(get_post("gempa-mentawai"))
    assert answer.headers["content-type"] == "text/html; charset=windows-1252"
    assert b"\x93Kami sudah hafal" in answer.content
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")


def test_the_hacked_site_carries_gambling_spam(client: Client) -> None:
    (post,) = (post for post in client.server.expectations if post.article.spam)
    assert post.portal.slug == "dinas-pertamanan"
    assert "slot gacor" in client.get_post(post).text.lower()


@pytest.mark.parametrize(
    ("slug", "path"),
    [("harian-bahari", "/tidak-ada/"), ("tidak-ada", "/"), ("harian-bahari", "/feed/../../etc/passwd")],
    ids=["unknown path", "unknown host", "path out of the portal"],
)
def test_what_is_not_there_is_404(client: Client, slug: str, path: str) -> None:
    assert client.get(slug, path).status_code == 404


def test_home_pages_link_to_every_article(client: Client) -> None:
    for slug, edition in make_editions(NOW, client.server.port).items():
        page = client.get(slug, "/").content.decode(edition.portal.charset)
        assert [post.path for post in edition.posts if f'href="{post.path}"' not in page] == []


# ── conditional requests ───────────────────────────────────────────────────────────────────────────────────────────

UNCHANGING = [
    *((portal.slug, path) for portal in load_portals().values() for path in portal.routes if "?" not in path),
    ("tifa-cenderawasih", get_posts("tifa-cenderawasih")[0].path),
    ("surau-kabar", get_posts("surau-kabar")[0].path),
]


@pytest.mark.parametrize(
    ("slug", "path"),
    [row for row in UNCHANGING if row[0] not in ("sasando-pos", "podium-deli")],
    ids=lambda value: value,
)
def test_who_has_it_already_gets_304(client: Client, slug: str, path: str) -> None:
    first = client.get(slug, path)
    assert first.status_code == 200
    for header, value in (
        ("If-None-Match", first.headers["etag"]),
        ("If-Modified-Since", first.headers["last-modified"]),
    ):
        again = client.get(slug, path, **{header: value})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get(slug, path, **{"If-None-Match": '"other"'}).status_code == 200
    assert parsedate_to_datetime(first.headers["last-modified"]) <= NOW


# ── channels ───────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "map": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
}


def find(body: bytes, path: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(body).iterfind(path, NAMES)]


RSS = {
    "bale-warta": "/rss.xml",
    "berita-bentala": "/rss/daerah",
    "harian-bahari": "/feed/",
    "lentera-musi": "/feed/",
    "pemkot-ambon": "/berita/rss",
    "suara-brantas": "/rss",
    "surau-kabar": "/rss.php",
    "teluk-tomini": "/rss",
}


@pytest.mark.parametrize("slug", RSS)
def test_a_feed_lists_all_articles_newest_first(client: Client, slug: str) -> None:
    answer = client.get(slug, RSS[slug])
    posts = [post for post in client.server.expectations if post.portal.slug == slug]
    assert answer.headers["content-type"].startswith("application/rss+xml")
    assert find(answer.content, "channel/item/link") == [post.url for post in posts]
    assert find(answer.content, "channel/item/title") == [post.headline for post in posts]


@pytest.mark.parametrize(
    ("slug", "tag", "shape"),
    [
        ("harian-bahari", "pubDate", r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:00 \+0000"),
        ("berita-bentala", "pubDate", r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:00 \+0700"),
        ("pemkot-ambon", "pubDate", r"(Sen|Sel|Rab|Kam|Jum|Sab|Min), \d\d Nov 2026 \d\d:\d\d:00 \+0900"),
        ("teluk-tomini", "pubDate", r"(Senin|Selasa|Rabu|Kamis|Jumat|Sabtu|Minggu), \d\d November 2026 [\d:]{8} WITA"),
        ("bale-warta", "{http://purl.org/dc/elements/1.1/}date", r"2026-11-\d\dT\d\d:\d\d:00\+08:00"),
    ],
)
def test_feeds_write_dates_in_their_own_way(client: Client, slug: str, tag: str, shape: str) -> None:
    dates = find(client.get(slug, RSS[slug]).content, f"channel/item/{tag}")
    assert len(dates) == len(get_posts(slug))
    assert all(re.fullmatch(shape, date) for date in dates), dates


def test_one_feed_has_no_dates(client: Client) -> None:
    assert find(client.get("suara-brantas", "/rss").content, "channel/item/pubDate") == []


def test_a_full_feed_holds_whole_texts_and_an_excerpt_feed_does_not(client: Client) -> None:
    full = find(client.get("harian-bahari", "/feed/").content, "channel/item/content:encoded")
    posts = get_posts("harian-bahari")
    assert len(full) == len(posts)
    for content, post in zip(full, posts, strict=True):
        assert all(paragraph in html.unescape(content) for paragraph in post.paragraphs)
    excerpts = client.get("lentera-musi", "/feed/").content
    assert find(excerpts, "channel/item/content:encoded") == []
    assert all(text.endswith("[…]") for text in find(excerpts, "channel/item/description"))


def test_atom_carries_full_texts_and_both_dates(client: Client) -> None:
    body = client.get("pena-parahyangan", "/feeds/posts/default").content
    posts = get_posts("pena-parahyangan")
    published = [datetime.fromisoformat(text) for text in find(body, "atom:entry/atom:published")]
    assert published == [post.published for post in posts]
    for content, post in zip(find(body, "atom:entry/atom:content"), posts, strict=True):
        assert post.paragraphs[-1] in html.unescape(content)


def test_a_search_feed_finds_articles_by_all_words(client: Client) -> None:
    found = find(client.get("warta-pandanaran", "/?s=smart+city&feed=rss2").content, "channel/item/title")
    assert "Pemkab Wonosobo Rampungkan Rencana Induk Smart City" in found
    assert 0 < len(found) < len(get_posts("warta-pandanaran"))
    assert find(client.get("warta-pandanaran", "/?s=tidakada&feed=rss2").content, "channel/item") == []


def test_where_feeds_are_closed_the_rest_api_answers(client: Client) -> None:
    for path in ("/feed/", "/?s=apeksi&feed=rss2"):
        assert client.get("podium-deli", path).status_code == 403
    assert client.get("podium-deli", "/").status_code == 200
    answer = client.get("podium-deli", "/wp-json/wp/v2/posts?search=apeksi&per_page=20&page=1&_embed=author")
    posts = answer.json()
    assert {post["title"]["rendered"] for post in posts} >= {"APEKSI Kumpulkan 120 Pemuda di Salatiga"}
    assert answer.headers["x-wp-total"] == str(len(posts))
    for post in posts:
        assert "<p>" in post["content"]["rendered"]
        assert post["_embedded"]["author"][0]["name"]
        local, universal = (datetime.fromisoformat(post[key]) for key in ("date", "date_gmt"))
        assert local - universal == timedelta(hours=7)


def test_the_rest_api_pages_like_wordpress(client: Client) -> None:
    def ask(query: str) -> httpx.Response:
        return client.get("podium-deli", f"/wp-json/wp/v2/posts?{query}")

    total = len(get_posts("podium-deli"))
    pages = [ask(f"per_page=4&page={number}") for number in (1, 2, 3)]
    assert [len(page.json()) for page in pages] == [4, 4, total - 8]
    assert {page.headers["x-wp-totalpages"] for page in pages} == {"3"}
    assert "_embedded" not in pages[0].json()[0]
    beyond = ask("per_page=4&page=4")
    assert (beyond.status_code, beyond.json()["code"]) == (400, "rest_post_invalid_page_number")
    for query in ("per_page=0", "per_page=101", "page=0", "page=x"):
        assert ask(query).status_code == 400, query
    assert ask("search=tidakada").json() == []


def test_sitemaps_lead_to_every_article(client: Client) -> None:
    posts = get_posts("jejak-tepian")
    children = find(client.get("jejak-tepian", "/sitemap.xml").content, "map:sitemap/map:loc")
    assert [child.rpartition("/")[2] for child in children] == ["sitemap-news.xml", "sitemap-arsip.xml.gz"]
    packed = client.get("jejak-tepian", "/sitemap-arsip.xml.gz").content
    assert len(find(gzip.decompress(packed), "map:url/map:loc")) == len(posts)
    news = client.get("jejak-tepian", "/sitemap-news.xml").content
    fresh = [post for post in posts if NOW - post.published < timedelta(hours=48)]
    assert 0 < len(fresh) < len(posts)
    dates = find(news, "map:url/news:news/news:publication_date")
    assert [datetime.fromisoformat(date) for date in dates] == [post.published for post in fresh]


@pytest.mark.parametrize(
    ("slug", "path", "link", "next_link"),
    [
        ("kapuas-kini", "/indeks", "//div[@class='latest-item']/h3[@class='judul']/a", "//a[@class='laman-berikut']"),
        ("tifa-cenderawasih", "/berita", "//article//h2/a", "//a[@rel='next']"),
        ("dinas-pertamanan", "/kabar", "//article//h2/a", "//a[@rel='next']"),
    ],
)
def test_a_listing_leads_to_every_article_page_by_page(
    client: Client, slug: str, path: str, link: str, next_link: str
) -> None:
    seen: list[str] = []
    url = path
    for _ in range(3):
        page = lxml_html.fromstring(client.get(slug, url).text)
        seen += [element.get("href") for element in page.xpath(link)]
        following = page.xpath(next_link)
        if not following:
            break
        url = path + following[0].get("href")
    assert seen == [post.path for post in get_posts(slug)]


@pytest.mark.parametrize("number", ["0", "-1", "x", "²", "99"])
def test_odd_page_numbers_of_a_listing_do_no_harm(client: Client, number: str) -> None:
    assert client.get("kapuas-kini", f"/indeks?hal={number}").status_code == 200


def test_the_guarded_portal_answers_200_with_a_challenge(client: Client) -> None:
    answer = client.get("gerbang-timur", "/feed/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Tunggu sebentar" in answer.text
    assert "<rss" not in answer.text


@pytest.mark.slow
def test_the_slow_portal_keeps_only_its_feed_waiting(client: Client) -> None:
    post = get_posts("sasando-pos")[0]
    started = time.monotonic()
    assert client.get_post(post).status_code == 200
    assert client.get("sasando-pos", "/robots.txt").status_code == 200
    assert time.monotonic() - started < 2
    feed = client.get("sasando-pos", "/feed/")
    assert time.monotonic() - started >= 3
    assert len(find(feed.content, "channel/item/content:encoded")) == len(get_posts("sasando-pos"))


def test_robots_let_us_in_at_full_speed(client: Client) -> None:
    for slug, edition in make_editions(NOW, client.server.port).items():
        robots = Protego.parse(client.get(slug, "/robots.txt").text)
        for path in (*edition.portal.routes, *(post.path for post in edition.posts)):
            assert robots.can_fetch(edition.origin + path, "KabarKota"), path
        assert not robots.crawl_delay("KabarKota")
    assert "Disallow: /cari" in client.get("berita-bentala", "/robots.txt").text


# ── the server ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_catalogue_is_one_that_kabarkota_reads(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    client.server.write_catalogue(path)
    sources = {source.id: source for source in load_catalogue(path).sources}
    assert sources.keys() == load_portals().keys() | {"radar-senyap"}
    for slug, source in sources.items():
        port = client.server.closed_port if slug == "radar-senyap" else client.server.port
        assert all(channel.url.startswith(f"http://{slug}.localhost:{port}/") for channel in source.channels)
    assert {source.timezone for source in sources.values()} == {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}


def test_every_channel_of_the_catalogue_is_served(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    client.server.write_catalogue(path)
    for source in load_catalogue(path).sources:
        if source.id in ("radar-senyap", "sasando-pos"):
            continue
        for channel in source.channels:
            url = httpx.URL(channel.url)
            assert client.get(source.id, url.raw_path.decode()).status_code == 200, channel.url


def test_the_portal_that_is_down_refuses_connections(client: Client) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", client.server.closed_port), timeout=2)


def test_expectations_tell_what_should_be_made_of_an_article(client: Client) -> None:
    by_id = {post.article.id: post for post in client.server.expectations}
    assert by_id.keys() == {article.id for article in ARTICLES}
    post = by_id["raker-komwil-vi-ternate--pemkot-ambon"]
    assert post.article.topics == ("apeksi",)
    assert (post.article.city, post.article.release) == ("kota-ternate", "raker-komwil-vi-ternate")
    assert post.url.startswith(f"http://pemkot-ambon.localhost:{client.server.port}/berita/")


def test_two_demos_run_side_by_side_and_leave_nothing_behind() -> None:
    with serve_portals(NOW) as one, serve_portals(NOW) as other:
        assert one.port != other.port
        ports = (one.port, other.port)
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
    with serve_portals(NOW, port=ports[0]) as again:
        assert again.port == ports[0]


def test_a_taken_port_is_an_error(client: Client) -> None:
    with pytest.raises(OSError, match="in use"), serve_portals(NOW, port=client.server.port):
        pass


@pytest.mark.slow
def test_the_demo_ends_at_once_while_the_slow_portal_is_answering() -> None:
    with serve_portals(NOW) as server:
        asking = Client(server)

        def ask() -> None:
            with suppress(httpx.HTTPError):  # the connection is lost when the portals go
                asking.get("sasando-pos", "/feed/")

        thread = Thread(target=ask)
        thread.start()
        assert asking.get("sasando-pos", "/robots.txt").status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 2.5
    thread.join()
    asking.close()
