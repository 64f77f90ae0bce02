"""What portals say of their news may be wrong or a lie: dates, addresses, whose article it is, what a channel holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from uuid import uuid4

import pytest
from newsdesk import Newsroom
from portals import serve_portal
from trap_room import NOW, TrapRoom, write_feed, write_item, write_page, write_text

from aggregator.instants import to_text
from aggregator.models import ArticleLink, Channel, ChannelKind, CrawlJob, Source
from aggregator.store import Store
from aggregator.urls import get_site, is_likely_address
from crawler.closures import find_closure
from crawler.conditions import keep_date, keep_tag
from crawler.politeness import Robots, RobotsRecord
from crawler.settings import CrawlSettings
from crawler.visit import Visit
from schedules.health import find_all_alarms

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOGIN = b"<title>Login</title><h1>Login</h1><form><input name=u><input type=password name=p></form>"
CLOSED = b"<title>Situs dalam perbaikan</title><h1>Mohon maaf</h1><p>Situs kami sedang dalam perbaikan.</p>"
CHALLENGE = b"<title>Just a moment...</title><script>window._cf_chl_opt={}</script>"
SOFT_404 = (
    b"<title>Halaman tidak ditemukan - Kabar APEKSI</title><meta name=description content='Kabar APEKSI, smart city'>"
    b"<h1>Halaman tidak ditemukan</h1><p>Maaf.</p><a href=/a/>Rakernas APEKSI</a>"
)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[TrapRoom]:
    with serve_portal() as portal:
        yield TrapRoom(portal, tmp_path)


# ── dates ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LOCAL = (NOW + 7 * HOUR).replace(tzinfo=None) - timedelta(minutes=40)  # the clock in Jakarta, forty minutes ago
AGO = NOW - timedelta(minutes=40)
WRONG_DAY = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")[(LOCAL.weekday() + 3) % 7]
MONTHS = "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split()  # noqa: SIM905
DATES = {  # what the feed says: the instant that is kept; None: none, when we first saw it counts
    "two-years-ahead": (format_datetime(NOW + 730 * DAY), None),
    "25-hours-ahead": (format_datetime(NOW + 25 * HOUR), None),
    "9-hours-ahead": (format_datetime(NOW + 9 * HOUR), None),
    "5-minutes-ahead": (format_datetime(NOW + timedelta(minutes=5)), NOW),
    "local-called-utc": (f"{LOCAL.isoformat()}Z", AGO),
    "zoneless": (LOCAL.strftime("%d %b %Y %H:%M:%S"), AGO),
    "wrong-weekday": (f"{WRONG_DAY}, {LOCAL.day} {MONTHS[LOCAL.month - 1]} {LOCAL:%Y %H:%M:%S} WIB", AGO),
    "1970": ("Thu, 01 Jan 1970 00:00:00 +0000", None),
    "year-1": ("0001-01-01T00:00:00Z", None),
    "year-minus-1": ("-0001-11-30T00:00:00+00:00", None),
    "year-99999": ("99999-01-01T00:00:00Z", None),
    "zeroes": ("0000-00-00 00:00:00", None),
    "30-february": (f"{NOW.year}-02-30T10:00:00+07:00", None),
    "number": ("9" * 200, None),
    "negative": ("-1", None),
}


@pytest.mark.slow
def test_a_date_that_cannot_be_is_none(room: TrapRoom) -> None:
    path = room.enlist("tanggal")
    for name in DATES:
        room.put_article(f"/{name}/")
    room.put_feed(path, [write_item(f"APEKSI {name}", f"/{name}/", date) for name, (date, _) in DATES.items()])
    room.cycle()
    rows = room.ask("SELECT title, published_at, published_precision, published_method FROM articles")
    kept = {title: (at if precision != "none" else None, method == "channel") for title, at, precision, method in rows}
    slightly, _ = kept["APEKSI 5-minutes-ahead"]  # the clock of the reading counts
    assert to_text(NOW) <= str(slightly) <= to_text(NOW + timedelta(minutes=5))
    kept["APEKSI 5-minutes-ahead"] = (to_text(NOW), True)
    assert kept == {f"APEKSI {name}": (to_text(at) if at else None, at is not None) for name, (_, at) in DATES.items()}
    assert {at for (at,) in room.ask("SELECT published_at FROM articles WHERE published_precision = 'none'")} == {
        to_text(NOW)
    }


def test_a_channel_that_dates_everything_by_its_own_hour_is_not_believed(room: TrapRoom) -> None:
    path, day = room.enlist("tanggal"), NOW - 9 * DAY
    dated = f"<meta property='article:published_time' content='{day:%Y-%m-%d}'>"
    room.put_article("/lama/", head=dated)
    room.put_feed(path, [write_item("APEKSI lama", "/lama/", format_datetime(AGO))])
    room.cycle()
    ((at, precision),) = room.ask("SELECT published_at, published_precision FROM articles")
    assert (at[:10], precision) == ((day.replace(hour=0) - 7 * HOUR).date().isoformat(), "day")


# ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────────────

LINKS = {  # case: what the item says (H: host and port) → the article's address; "": the item has none
    "relative": ("/l/relatif/", "tautan.localhost/l/relatif/"),
    "of-the-folder": ("l/folder/", "tautan.localhost/l/folder/"),
    "protocol-relative": ("//H/l/protokol/", "tautan.localhost/l/protokol/"),
    "query": ("?p=77", "tautan.localhost/tautan.xml?p=77"),
    "capitals": ("HTTP://TAUTAN.LOCALHOST:P/l/besar/", "tautan.localhost/l/besar/"),
    "tracked": ("http://H/l/lacak/?utm_source=a&fbclid=1", "tautan.localhost/l/lacak/"),
    "tracked-otherwise": ("http://H/l/lacak/?utm_source=b&PHPSESSID=1f", ""),
    "www": ("http://www.H/l/www/", ""),
    "bare": ("http://H/l/www/", "tautan.localhost/l/www/"),
    "phones": ("http://m.H/l/ponsel/", "m.tautan.localhost/l/ponsel/"),
    "amp": ("http://H/l/laju/amp/", "tautan.localhost/l/laju"),
    "blanks": (" http://H/l/a b/ ", "tautan.localhost/l/a%20b/"),
    "unicode": ("http://kota-çerdas.tautan.localhost:P/l/idn/", "xn--kota-erdas-s6a.tautan.localhost/l/idn/"),
    "punycode": ("http://xn--kota-erdas-s6a.tautan.localhost:P/l/idn/", ""),
    "guid-instead": ("http://H/", "tautan.localhost/l/guid/"),
    "fragment": ("#kabar", ""),
    "front-page": ("http://H/?", ""),
    "script": ("javascript:alert(1)", ""),
    "mail": ("mailto:a@b.example", ""),
    "data": ("data:text/html,x", ""),
    "file": ("file:///etc/passwd", ""),
    "credentials": ("http://a:b@H/l/rahasia/", ""),
    "endless": ("http://H/l/" + "x" * 3_000, ""),
    "nothing": ("", ""),
}


def test_links_of_all_kinds_lead_to_one_article_each_or_nowhere(room: TrapRoom) -> None:
    path, host = room.enlist("tautan"), f"tautan.localhost:{room.portal.port}"
    items = []
    for name, (link, _) in LINKS.items():
        address = link.replace("H/", f"{host}/").replace(":P/", f":{room.portal.port}/")
        guid = f"<guid>http://{host}/l/guid/</guid>" if name == "guid-instead" else ""
        items.append(write_item(f"APEKSI {name}", address, more=guid))
    for slug in ("relatif", "folder", "protokol", "besar", "lacak", "www", "ponsel", "laju", "a%20b", "idn", "guid"):
        room.put_article(f"/l/{slug}/")
    for twin, path_of in {"/l/lacak/?utm_source=a&fbclid=1": "/l/lacak/", "/l/laju/amp/": "/l/laju/"}.items():
        room.portal.answers[twin] = room.portal.answers[path_of]
    room.portal.answers["/l/lacak/?utm_source=b&PHPSESSID=1f"] = room.portal.answers["/l/lacak/"]
    room.put_article("/tautan.xml?p=77")
    room.put_article("/")
    room.put_feed(path, items)
    room.cycle()
    assert set(room.list_articles()) == {address for _, address in LINKS.values() if address}
    assert {source for source, _ in room.list_articles().values()} == {"tautan"}
    assert not {"/", "/l/rahasia/"} & set(room.asked)
    room.put_feed(path, reversed(items))
    again = room.cycle(HOUR)
    assert (again.articles, again.new_items, room.asked) == (0, 0, {path: 1})


CANONICALS = {  # what the page at /x/ declares: whether it is believed
    "/wali-kota-membuka-rakernas-apeksi/": True,
    "/berita/12345/": False,  # of another article, for all we know
    "/": False,
    "javascript:alert(1)": False,
    "http://lain.localhost:P/asli/": False,
    "http://lain.localhost:P/belum-dibaca/": False,
}


@pytest.mark.slow
def test_a_page_takes_no_address_of_another(room: TrapRoom) -> None:
    own, other = room.enlist("uji"), room.enlist("lain")
    title = "Wali Kota Membuka Rakernas APEKSI"
    room.put_article("/asli/", title)
    room.put_feed(other, [write_item(title, "/asli/")])
    room.cycle()
    for number, template in enumerate(CANONICALS):
        declared = template.replace(":P/", f":{room.portal.port}/")
        head = f"<link rel=canonical href='{declared}'><meta property=og:url content='{declared}'>"
        room.put_article(f"/k{number}/", title, head)
    room.put_feed(own, [write_item(title, f"/k{number}/") for number in range(len(CANONICALS))])
    room.cycle(HOUR)
    own_addresses = {f"uji.localhost/k{number}/" for number, is_kept in enumerate(CANONICALS.values()) if not is_kept}
    assert set(room.list_articles()) == {
        "lain.localhost/asli/",
        "uji.localhost/wali-kota-membuka-rakernas-apeksi/",
        *own_addresses,
    }
    assert room.ask("SELECT count(*) FROM article_revisions") == [(0,)]


@pytest.mark.parametrize(
    ("declared", "own", "is_likely"),
    [
        ("https://a.example/rakernas-apeksi-dibuka", "https://a.example/?p=12", True),
        ("https://a.example/kota/rakernas-dibuka", "https://a.example/berita/rakernas-dibuka", True),
        ("https://a.example/read/1234567/x", "https://a.example/1234567", True),
        ("https://a.example/banjir-besar-di-kota", "https://a.example/rakernas-dibuka", False),
        ("https://a.example/2026/11/banjir", "https://a.example/2026/11/rakernas-dibuka", False),
    ],
)
def test_likely_addresses(declared: str, own: str, is_likely: bool) -> None:
    assert is_likely_address(declared, own, "Rakernas APEKSI Dibuka") is is_likely


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.kabar.co.id/a", "kabar.co.id"),
        ("https://satu.blogspot.com/a", "satu.blogspot.com"),
        ("https://dua.wordpress.com/", "dua.wordpress.com"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("https://a:b@kabar.co.id/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_who_holds_a_site(url: str, site: str) -> None:
    assert get_site(url) == site


# ── whose article it is ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_nothing_sticks_to_a_portal_that_others_say_of_it(room: TrapRoom) -> None:
    """An attacker lists a portal's articles: with a text, a date and a title of its own, under addresses that fail."""
    large, attacker = room.enlist("besar"), room.enlist("jahat")
    slugs = ("satu", "dua", "tiga", "wali-kota-buka-rakernas")
    for slug in slugs:
        room.put_article(f"/{slug}/")
    room.put("/panen/", b"<title>Panen cabai</title><article><h1>Panen cabai</h1><p>Harga naik di pasar.</p></article>")
    base, text = (
        room.base("besar"),
        f"<content:encoded>{escape('<p>' + write_text('palsu') + '</p>')}</content:encoded>",
    )
    lies = [
        write_item("APEKSI palsu", f"{base}/satu/", more=text),
        write_item("APEKSI tua", f"{base}/dua/", "Mon, 01 Jan 2001 00:00:00 +0000"),
        write_item("slot gacor maxwin", f"{base}/panen/"),
        write_item("APEKSI hilang", f"{base}/tiga/amp/"),
        write_item("APEKSI hilang", f"{base}/wali-kota-buka-rakernas/99/"),
        write_item("APEKSI asing", f"{room.base('luar')}/dua/?b=1"),
    ]
    room.portal.answers["/dua/?b=1"] = room.portal.answers["/dua/"]
    room.put_feed(attacker, lies)
    room.put_feed(large, [])
    room.cycle(max_new_items=1)  # the rest waits, and is no news of the portal's own when it is asked next
    room.put_feed(large, [write_item(f"APEKSI {slug}", f"/{slug}/", format_datetime(AGO)) for slug in slugs])
    room.cycle(HOUR)
    room.cycle(2 * HOUR)
    articles = room.list_articles()
    assert articles == {
        **{f"besar.localhost/{slug}/": ("besar", f"APEKSI {slug}") for slug in slugs},
        "luar.localhost/dua/?b=1": ("via-luar-localhost", "APEKSI dua"),
    }
    assert room.ask("SELECT count(*) FROM articles WHERE text LIKE '%palsu%' OR gone_at IS NOT NULL") == [(0,)]
    dates = room.ask("SELECT DISTINCT published_at FROM articles WHERE source_id = 'besar' AND url NOT LIKE '%/dua/'")
    assert dates == [(to_text(AGO),)]
    assert room.ask("SELECT id FROM sources WHERE hijacked_at IS NOT NULL") == []
    for number in (3, 4):  # and nobody's pages are asked for again and again
        room.put_feed(attacker, [*lies, " " * number])
        room.put_feed(large, [write_item(f"APEKSI {slug}", f"/{slug}/") for slug in slugs], head=" " * number)
        room.cycle(number * HOUR)
    assert room.asked == {attacker: 1, large: 1}


@pytest.mark.slow
def test_nobody_leads_to_any_number_of_new_publishers(room: TrapRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.publishers.MOST_DISCOVERED", 3)
    attacker, slugs = room.enlist("jahat"), [f"rekaan{number}" for number in range(5)]
    for slug in slugs:
        room.put_article(f"/{slug}/")
    room.put_feed(attacker, [write_item(f"APEKSI {slug}", f"{room.base(slug)}/{slug}/") for slug in slugs])
    discovered = "SELECT count(*), count(DISTINCT discovered_by) FROM sources WHERE id LIKE 'via-%'"
    assert (room.cycle().articles, room.ask(discovered)) == (3, [(3, 1)])
    assert room.ask("SELECT DISTINCT reason LIKE 'jahat has led to 3 %' FROM links WHERE state = 'pending'") == [(1,)]
    assert (room.cycle(HOUR).articles, room.asked) == (0, {attacker: 1})  # the others' pages are not asked for again
    assert (room.cycle(DAY + HOUR).articles, room.ask(discovered)) == (2, [(5, 1)])
    assert {address: source for address, (source, _) in room.list_articles().items()} == {
        f"{slug}.localhost/{slug}/": f"via-{slug}-localhost" for slug in slugs
    }


def test_a_portal_is_heard_itself_after_others_led_to_its_article(room: TrapRoom) -> None:
    """Its page says little; its own channel has the text."""
    large, attacker = room.enlist("besar"), room.enlist("jahat")
    room.put("/satu/", b"<title>Kabar</title><article><h1>Kabar</h1><p>Harga cabai di pasar naik.</p></article>")
    text = f"<content:encoded>{escape('<p>' + write_text('asli') + '</p>')}</content:encoded>"
    room.put_feed(attacker, [write_item("Kabar", f"{room.base('besar')}/satu/")])
    room.put_feed(large, [])
    room.cycle()
    room.put_feed(large, [write_item("APEKSI asli", "/satu/", more=text)])
    summary = room.cycle(HOUR)
    assert room.list_articles() == {"besar.localhost/satu/": ("besar", "APEKSI asli")}
    assert summary.articles == 1
    assert room.ask("SELECT source_id, found_by, state FROM links") == [("besar", None, "kept")]


def test_hosters_lend_addresses_to_anybody(newsroom: Newsroom) -> None:
    source = Source(
        id="uji",
        name="Uji",
        domain="uji.blogspot.com",
        channels=(Channel(kind=ChannelKind.FEED, url="https://saluran.co.id/feed"),),
    )
    visit = Visit(job=CrawlJob(source=source, channels=(), now=NOW), settings=CrawlSettings())
    links = [
        ArticleLink(url=f"https://{host}/a", title="Judul", content_html="<p>Isi</p>")
        for host in ("uji.blogspot.com", "www.saluran.co.id", "lain.blogspot.com", "portal.co.id")
    ]
    assert [visit.believe(link) == link for link in links] == [True, True, False, False]
    assert visit.believe(links[2]) == ArticleLink(url="https://lain.blogspot.com/a")
    engine = Visit(
        job=CrawlJob(
            source=Source(id="cari", name="Cari", domain="cari.example", discovery=True), channels=(), now=NOW
        ),
        settings=CrawlSettings(),
    )
    assert engine.believe(links[3]) == ArticleLink(url="https://portal.co.id/a", title="Judul")


# ── what a channel holds ───────────────────────────────────────────────────────────────────────────────────────────

BODIES = {  # what answers in the feed's place, with 200: the code that tells
    "html": (b"<!doctype html><title>Beranda</title><p>Selamat datang di APEKSI", "html-not-feed"),
    "login": (b"<!doctype html>" + LOGIN, "login"),
    "closed": (b"<!doctype html>" + CLOSED, "closed"),
    "challenge": (b"<!doctype html>" + CHALLENGE, "challenge"),
    "empty": (b"", "empty-feed"),
    "null": (b"null", "not-a-channel"),
    "list": (b"[]", "empty-feed"),
    "object": (b"{}", "empty-feed"),
    "no-items": (write_feed([]), "empty-feed"),
    "json-feed": (b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', "empty-feed"),
}
LISTED = [f"<li><a href='/daftar{number}/'>Wali Kota Membuka Rakernas APEKSI ke-{number}</a>" for number in range(3)]


@pytest.mark.slow
def test_a_channel_that_holds_something_else_says_so_and_nothing_is_lost(room: TrapRoom) -> None:
    channels = {name: room.enlist(name) for name in (*BODIES, "others", "moved")}
    channels["listing"] = room.enlist("listing", kind="listing", path="/daftar")
    channels["always-304"] = room.enlist("always-304")

    def answer_well() -> None:
        for name, path in channels.items():
            room.put_article(f"/{name}/")
            room.put_feed(path, [write_item(f"APEKSI {name}", f"/{name}/")], ETag='"good"')
        room.put("/daftar", f"<ul>{''.join(LISTED)}</ul>".encode())

    answer_well()
    for number in range(3):
        room.put_article(f"/daftar{number}/")
        room.put_article(f"/asing{number}/")
    room.cycle()
    before = room.list_items()
    for name, (body, _) in BODIES.items():
        room.put(channels[name], body, ETag='"bad"')
    strange = [write_item(f"APEKSI asing {number}", f"{room.base('asing')}/asing{number}/") for number in range(3)]
    room.put_feed(channels["others"], strange, ETag='"bad"')
    room.put(channels["moved"], b"", status=301, Location=room.base("others") + channels["others"])
    room.put("/daftar", b"[]")
    room.put(channels["always-304"], b"", status=304)
    room.cycle(HOUR)
    codes = {name: code for name, (_, code) in BODIES.items()} | dict.fromkeys(("others", "moved"), "elsewhere")
    assert {name: told[-1] for name, told in room.list_polls().items()} == {
        **codes,
        "listing": "empty-feed",
        "always-304": "unchanged",
    }
    sent = room.ask("SELECT source_id FROM channels WHERE etag = '\"bad\"'")
    assert sent == []  # what was given with something else is not sent back
    strangers = room.ask("SELECT DISTINCT source_id FROM articles WHERE url LIKE '%/asing%'")
    assert strangers == [("via-asing-localhost",)]
    with Store.open_reader(room.folder / "data" / "news.db") as store:
        alarms = {source: {alarm.code for alarm in found} for source, found in find_all_alarms(store, NOW).items()}
    assert alarms["others"] == alarms["moved"] == {"elsewhere"}
    assert alarms["no-items"] == alarms["listing"] == {"empty-feed"}
    answer_well()
    back = room.cycle(2 * HOUR)
    assert set(back.polls) <= {"changed", "unchanged"}
    assert (back.articles, back.revised) == (0, 0)
    assert set(room.asked) == set(channels.values())  # no page is asked for again
    assert [item for item in room.list_items() if item in before] == before


def test_304_to_a_question_without_a_condition_is_no_answer(room: TrapRoom) -> None:
    path = room.enlist("selalu")
    room.put(path, b"", status=304)
    room.cycle()
    assert room.list_polls() == {"selalu": ["odd-status"]}


@pytest.mark.slow
def test_channels_that_never_say_the_same_twice_bring_nothing_twice(room: TrapRoom) -> None:
    names = ("guids", "order", "turns", "updated", "rules", "tags")
    channels, numbers = {name: room.enlist(name) for name in names}, range(4)
    for name in names:
        for number in numbers:
            room.put_article(f"/{name}{number}/")

    def turn(cycle: int) -> None:
        for name, path in channels.items():
            order = reversed(numbers) if name in ("order", "turns") and cycle % 2 else numbers
            later = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
            items = [
                write_item(
                    f"APEKSI {name}{number}",
                    f"/{name}{number}/" + (f"#{uuid4()}" if name == "guids" else ""),
                    more=(f"<guid isPermaLink='false'>{uuid4()}</guid>" if name == "guids" else "")
                    + (f"<atom:updated>{later}</atom:updated>" if name == "updated" else ""),
                )
                for number in order
            ]
            rules = "<ttl>1000000000</ttl><sy:updatePeriod>yearly</sy:updatePeriod>" if name == "rules" else ""
            headers = {
                "turns": {"ETag": f'W/"{cycle % 2}"'},
                "rules": {"Cache_Control": "max-age=1000000000000", "Last_Modified": "Fri, 01 Jan 2100 00:00:00 GMT"},
                "tags": {"ETag": "x" * 5_000, "Date": "Fri, 01 Jan 2100 00:00:00 GMT"},
            }
            room.put_feed(path, items, rules, **headers.get(name, {}))
        for number in numbers:  # a page that changes each time
            room.put(f"/updated{number}/", write_page(f"APEKSI updated{number}", f"updated{number}-{cycle}"))

    turn(0)
    room.cycle()
    before = room.list_items()
    for cycle in (1, 2):
        turn(cycle)
        summary = room.cycle(cycle * timedelta(minutes=20))
        assert (summary.articles, summary.revised, summary.new_items) == (0, 0, 0)
        assert set(room.asked) == set(channels.values())
    assert room.list_items() == before
    assert room.ask("SELECT DISTINCT last_modified FROM channels") == [("",)]
    assert max(due for (due,) in room.ask("SELECT next_poll_at FROM channels")) <= to_text(NOW + 26 * HOUR)


@pytest.mark.slow
def test_the_newest_of_five_thousand_do_not_wait_for_the_others(room: TrapRoom) -> None:
    path = room.enlist("banjir")
    for number in range(3):
        room.put_article(f"/baru{number}/")
    old = [write_item(f"Panen {number}", f"/panen/{number}") for number in range(5_000)]
    room.put_feed(path, [*(write_item(f"APEKSI baru{number}", f"/baru{number}/") for number in range(3)), *old])
    summary = room.cycle(max_requests=8)
    assert summary.articles == 3
    ((waiting,),) = room.ask("SELECT count(*) FROM links WHERE state = 'pending'")
    assert 1_900 < waiting <= 2_000


@pytest.mark.parametrize(
    ("etag", "last_modified", "kept"),
    [
        ('W/"a"', "Fri, 27 Nov 2020 08:00:00 GMT", True),
        ("x" * 2_000, "Fri, 27 Nov 2120 08:00:00 GMT", False),
        ('"a\rb"', "gestern", False),
        ('"\x80"', "Fri, 99 Nov 99999999999 08:00:00 GMT", False),
        ('"\x00"', "", False),
        ("*", "", False),
        ("a1b2", "", False),
        ('"a", "b"', "", False),
    ],
)
def test_what_is_sent_back(etag: str, last_modified: str, kept: bool) -> None:
    assert (keep_tag(etag) == etag) is kept
    assert bool(keep_date(last_modified, NOW)) is kept


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

INSTEAD = {  # what answers at the article's address, with 200
    "soft-404": SOFT_404,
    "login": LOGIN,
    "closed": CLOSED,
    "challenge": CHALLENGE,
    "nothing": b"",
    "front-page": b"",  # a redirect to it
}


def put_instead(room: TrapRoom, name: str, path: str) -> None:
    if name == "front-page":
        room.put(path, b"", status=302, Location="/")
    else:
        room.put(path, INSTEAD[name])


@pytest.mark.slow
def test_what_answers_in_the_place_of_an_article_is_not_kept_for_it(room: TrapRoom) -> None:
    path = room.enlist("uji")
    names = [name for name in INSTEAD if name != "nothing"]
    room.put("/", b"<title>Beranda</title><h2>APEKSI</h2>")
    for name in names:
        put_instead(room, name, f"/{name}/")
    room.put_feed(path, [write_item(f"APEKSI {name}", f"/{name}/") for name in names], ETag='"1"')
    first = room.cycle()
    assert (first.articles, first.failed_pages) == (0, len(names))
    for name in names:
        room.put_article(f"/{name}/")
    assert room.cycle(HOUR).articles == len(names)  # though the feed is unchanged


@pytest.mark.slow
def test_an_article_outlives_what_becomes_of_its_page(room: TrapRoom) -> None:
    path, names = room.enlist("uji"), (*INSTEAD, "gone", "other", "turns")
    room.put("/", b"<title>Beranda</title><h2>APEKSI</h2>")
    for name in names:
        room.put_article(f"/{name}/")
    room.put_feed(path, [write_item(f"APEKSI {name}", f"/{name}/") for name in names], ETag='"1"')
    room.cycle()
    before, articles = room.list_items(), room.list_articles()
    for name in INSTEAD:
        put_instead(room, name, f"/{name}/")
    room.put("/gone/", b"", status=410)
    room.put("/other/", write_page("APEKSI lain sama sekali", "lain sama sekali"))
    gone = []
    for days in (1, 4, 13):
        room.put("/turns/", write_page("APEKSI turns", f"turns{days}"))
        room.cycle(days * DAY + HOUR, max_rechecks=50)
        gone.append(room.ask("SELECT title FROM articles WHERE gone_at IS NOT NULL"))
        room.put_article("/gone/")
    assert gone == [[("APEKSI gone",)], [], []]
    assert room.list_articles() == articles | {"uji.localhost/other/": ("uji", "APEKSI lain sama sekali")}
    assert room.list_items() == before
    revised = room.ask(
        "SELECT a.url, count(*) FROM article_revisions AS r JOIN articles AS a ON a.id = r.article_id GROUP BY a.id"
    )
    assert sorted((url.rsplit("/", 2)[1], count) for url, count in revised) == [("other", 1), ("turns", 3)]


def test_a_page_that_changes_always_is_revised_once_a_day(newsroom: Newsroom) -> None:
    for number in range(30):
        newsroom.publish_at("mula", "kunjungan", [write_text(f"giliran {number}")], title="APEKSI")
    assert newsroom.ask("SELECT count(*) FROM article_revisions") == [(20,)]
    newsroom.minutes += 25 * 60
    newsroom.publish_at("mula", "kunjungan", [write_text("kemudian")], title="APEKSI")
    assert newsroom.ask("SELECT count(*) FROM article_revisions") == [(21,)]


@pytest.mark.parametrize(
    ("title", "closure"),
    [
        ("Situs sedang dalam perbaikan", "a maintenance page"),
        ("Maintenance mode - Kabar Kota", "a maintenance page"),
        ("Masuk | Portal Kota", "a login page"),
        ("Jembatan dalam perbaikan", ""),
        ("Perbaikan - Jalan Rusak Ditambal", ""),
        ("Masuk Angin", ""),
    ],
)
def test_closures_by_their_title(title: str, closure: str) -> None:
    assert find_closure(f"<title>{title}</title>".encode()) == closure
    assert find_closure(f"<title>{title}</title>{'x' * 70_000}".encode()) == ""


# ── the clock ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_clock_that_jumps_loses_nothing(room: TrapRoom) -> None:
    path, dead = room.enlist("uji"), room.enlist("mati")
    room.put(dead, b"", status=500)
    days = (0, 30, 30 + 730, 32, 33 - 730, 34)  # what the clock shows, one cycle after the other
    titles: list[str] = []
    for number, shown in enumerate(days):
        titles.append(f"APEKSI ke{number}")
        room.put_article(f"/ke{number}/", titles[-1])
        true = {30 + 730: 31, 33 - 730: 33}.get(shown, shown)
        made = [
            write_item(titles[n], f"/ke{n}/", format_datetime(NOW + true * DAY - HOUR)) for n in range(number, -1, -1)
        ]
        room.put_feed(path, made)
        counts = [room.ask(f"SELECT count(*) FROM {table}")[0][0] for table in ("links", "polls")] if number else []
        summary = room.cycle(shown * DAY, due_only=True)
        assert (summary.channels, summary.articles) == (2, 1), shown
        if shown == 30 + 730:
            assert [room.ask(f"SELECT count(*) FROM {table}")[0][0] for table in ("links", "polls")] == [
                counts[0] + 1,
                counts[1] + 2,
            ]
            assert room.ask("SELECT count(*) FROM sketches") == [(number + 1,)]
        assert room.read_feed() == titles[::-1]  # each new one on top, and all are there
        assert max(due for (due,) in room.ask("SELECT next_poll_at FROM channels")) <= to_text(NOW + (shown + 2) * DAY)
    assert len({guid for guid, *_ in room.list_items()}) == len(days)


def test_what_a_clock_ahead_planned_does_not_wait(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", [write_text("satu")])
    newsroom.minutes += 20 * 24 * 60
    newsroom.answer("mula")
    newsroom.minutes -= 20 * 24 * 60
    assert [row.source_id for row in newsroom.store.get_due_channels(newsroom.now)] == ["mula"]
    record = RobotsRecord(host="a.example", fetched_at=NOW + 20 * DAY, status=200)
    assert Robots([record], lambda: NOW).get("a.example") is None
