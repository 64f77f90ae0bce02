"""The kliping: what is in it, and that no format loses, breaks or overruns anything."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from html.parser import HTMLParser
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from docx import Document
from kliping_room import NOW, gather, make_clipping, make_kliping, write_placed_news
from lxml import etree, html
from markdown_it import MarkdownIt
from newsroom import NEWEST, make_item

from aggregator.feed_rows import UnknownFeedError
from aggregator.kliping.mail import render_email_html
from aggregator.kliping.markdown import render_markdown
from aggregator.kliping.model import Kliping
from aggregator.kliping.print_page import render_print_html
from aggregator.kliping.telegram import render_telegram
from aggregator.kliping.text import render_brief, render_text
from aggregator.kliping.whatsapp import render_whatsapp
from aggregator.kliping.word_file import render_docx
from aggregator.kliping.wording import entitle, get_words
from aggregator.models import DatePrecision, Language
from aggregator.publish.describing import Publisher
from aggregator.store import Store
from aggregator.web.templating import STATIC_FOLDER

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
TITLE = 'Rapat <script>alert("x")</script> & *tebal* _miring_ ~coret~ `kode`'
TELEGRAM_TAGS = {"b", "i", "a"}


def read_docx(kliping: Kliping) -> list[str]:
    """The paragraphs, by the library; each part of the file is well-formed XML."""
    content = render_docx(kliping)
    with ZipFile(BytesIO(content)) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(parts.read(name))
    document = Document(BytesIO(content))
    return ["".join(run.text or "" for run in each._p.iter(f"{W}t")) for each in document.paragraphs]


STYLE = (STATIC_FOLDER / "kliping-sheet.css").read_text(encoding="utf-8")


def read_markdown(kliping: Kliping) -> str:
    """As who takes it shows it, in HTML."""
    return f"<div>{MarkdownIt().render(render_markdown(kliping))}</div>"


FORMATS: dict[str, Callable[[Kliping], str]] = {
    "text": lambda kliping: " ".join(render_text(kliping).split()),
    "mail": lambda kliping: str(html.fromstring(render_email_html(kliping)).text_content()),
    "whatsapp": lambda kliping: "\n".join(render_whatsapp(kliping)),
    "telegram": lambda kliping: "\n".join(
        str(html.fromstring(part).text_content()) for part in render_telegram(kliping)
    ),
    "markdown": lambda kliping: str(html.fromstring(read_markdown(kliping)).text_content()),
    "print": lambda kliping: str(html.fromstring(render_print_html(kliping, STYLE)).text_content()),
    "docx": lambda kliping: "\n".join(read_docx(kliping)),
}


# ── what is gathered ───────────────────────────────────────────────────────────────────────────────────────────────


def test_news_is_told_once_between_two_digests(tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    moments = [NEWEST - timedelta(hours=hours) for hours in (0, 6, 12, 12.0001, 18)]
    items = [make_item(n, title=f"Rapat {n}", first_published=at) for n, at in enumerate(moments)]
    write_placed_news(database, items)
    bounds = [NEWEST - timedelta(hours=hours) for hours in (24, 12, 6, 0)]
    told = [
        {clipping.title for story in kliping.stories for clipping in story.clippings}
        for since, until in pairwise(bounds)
        for kliping in [gather(database, since=since, until=until)]
    ]
    assert told == [{"Rapat 2", "Rapat 3", "Rapat 4"}, {"Rapat 1"}, {"Rapat 0"}]


def test_stories_come_by_weight_and_are_numbered_through(tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    items = [
        make_item(1, title="Sendiri"),
        make_item(2, title="Banyak", also_at=tuple((f"Portal {n}", f"https://p{n}.example/x") for n in range(80))),
        make_item(3, title="Kedua", regions=("Kota Gorontalo", "Gorontalo")),
        make_item(4, title="Susulan", source_name="Teluk Berita", regions=("Kota Manado",)),
    ]
    write_placed_news(database, items, {items[2].guid: 7, items[3].guid: 7})
    kliping = gather(database)
    titles = [[clipping.title for clipping in story.clippings] for story in kliping.stories]
    assert titles == [["Banyak"], ["Susulan", "Kedua"], ["Sendiri"]]
    assert [each.number for story in kliping.stories for each in story.clippings] == [1, 2, 3, 4]
    assert (kliping.events, kliping.news, kliping.articles, kliping.portals) == (3, 4, 84, 82)
    (copied,), (first, _) = kliping.stories[0].clippings, kliping.stories[1].clippings
    assert (len(copied.copies), copied.more_copies) == (20, 60)
    assert (first.medium, first.kind) == ("Teluk Berita", "portal daerah")
    assert kliping.stories[1].url == "https://kabarkota.example/story/7"
    assert set(kliping.stories[1].cities) == {"Kota Manado", "Kota Gorontalo"}  # not its province, too


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ([("city", "kota-gorontalo")], {"A"}),
        ([("topic", "apeksi"), ("city", "kota-manado"), ("city", "kota-gorontalo")], {"A", "B"}),
        ([("q", "trotoar")], {"B"}),
        ([("source", "teluk-berita")], {"B"}),
        ([("city", "kota-sorong")], set()),
    ],
)
def test_filters_are_those_of_a_search(tmp_path: Path, query: list[tuple[str, str]], titles: set[str]) -> None:
    database = tmp_path / "news.db"
    items = [
        make_item(1, title="A", topics=("apeksi",), regions=("Kota Gorontalo",)),
        make_item(
            2, title="B", topics=("apeksi",), regions=("Kota Manado",), source_name="Teluk Berita", excerpt="trotoar"
        ),
    ]
    write_placed_news(database, items)
    found = gather(database, query).stories
    assert {each.title for each in found} == titles


def test_what_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    write_placed_news(tmp_path / "news.db", [make_item()])
    with pytest.raises(UnknownFeedError) as caught:
        gather(tmp_path / "news.db", [("city", "kota-atlantis")])
    assert caught.value.name == "city/kota-atlantis"


@pytest.mark.parametrize(
    ("zone", "precision", "told"),
    [
        ("Asia/Jakarta", DatePrecision.MINUTE, "Sabtu, 3 Oktober 2026, 23.30 WIB"),
        ("Asia/Makassar", DatePrecision.MINUTE, "Minggu, 4 Oktober 2026, 00.30 WITA"),
        ("Asia/Jayapura", DatePrecision.MINUTE, "Minggu, 4 Oktober 2026, 01.30 WIT"),
        ("Asia/Jayapura", DatePrecision.DAY, "Sabtu, 3 Oktober 2026"),
        ("Asia/Jayapura", None, "tanggal tidak disebut, pertama terlihat Minggu, 4 Oktober 2026, 01.30 WIT"),
    ],
)
def test_hours_are_the_offices_and_days_are_the_sources(
    tmp_path: Path, zone: str, precision: DatePrecision | None, told: str
) -> None:
    published = (NEWEST - timedelta(days=2)).astimezone(timezone(timedelta(hours=7))).replace(hour=23, minute=30)
    write_placed_news(tmp_path / "news.db", [make_item(published=published, published_precision=precision)])
    kliping = gather(tmp_path / "news.db", zone=ZoneInfo(zone))
    clipping = kliping.stories[0].clippings[0]
    assert get_words(Language.INDONESIAN).tell_when(clipping) == told
    for name, render in FORMATS.items():
        assert " ".join(told.split()) in " ".join(render(kliping).split()), name


def test_what_a_page_lets_be_quoted_is_kept_and_cut_at_a_word(tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    text = "Pemerintah kota menata trotoar " * 30
    write_placed_news(database, [make_item(1, excerpt=text), make_item(2, excerpt=text)])
    with Store.open_writer(database) as store, store.transaction():
        store._connection.execute("UPDATE articles SET snippet_limit = 0 WHERE url LIKE '%/2'")
    extracts = {each.clippings[0].url[-1]: each.clippings[0].extract for each in gather(database).stories}
    assert extracts["2"] == ""
    assert 120 < len(extracts["1"]) <= 160
    assert extracts["1"].rstrip("…").split()[-1] in {"Pemerintah", "kota", "menata", "trotoar"}


@pytest.mark.slow
def test_three_hundred_news_are_counted_and_the_weightiest_shown(tmp_path: Path) -> None:
    items = [make_item(n, first_published=NEWEST - timedelta(minutes=n), title=f"Rapat {n}") for n in range(300)]
    items[250] = replace(items[250], also_at=(("Teluk Berita", "https://telukberita.example/1"),))
    write_placed_news(tmp_path / "news.db", items)
    kliping = gather(tmp_path / "news.db")
    assert (kliping.news, kliping.shown, kliping.left_out) == (300, 200, 100)
    assert kliping.stories[0].title == "Rapat 250"
    mail = render_email_html(kliping)
    assert len(mail.encode()) <= 100_000
    left = re.search(r"…dan (\d+) berita lagi", mail)
    assert left
    assert int(left[1]) == 300 - len(re.findall("<h2", mail))
    for render in (FORMATS["text"], FORMATS["whatsapp"], FORMATS["telegram"], FORMATS["docx"], FORMATS["print"]):
        assert "…dan 100 berita lagi" in render(kliping)


def test_its_addresses_lead_to_the_same(tmp_path: Path) -> None:
    write_placed_news(tmp_path / "news.db", [make_item()])
    kliping = gather(tmp_path / "news.db", [("topic", "apeksi"), ("city", "kota-gorontalo"), ("q", "wali kota")])
    assert kliping.page_url == (
        "https://kabarkota.example/kliping?q=wali+kota&topic=apeksi&city=kota-gorontalo&office=Diskominfo+Kota+Gorontalo"
        "&zone=wita&from=2026-10-04T15%3A40%3A00%2B08%3A00&to=2026-10-05T15%3A40%3A00%2B08%3A00"
    )
    assert kliping.feed_url.startswith("https://kabarkota.example/feeds/search.xml?q=wali+kota")
    assert kliping.title == "Kliping berita: “wali kota”, APEKSI, Kota Gorontalo"
    assert kliping.file_name == "kliping-kota-gorontalo-apeksi-wali-kota-2026-10-05"
    unknown = gather(tmp_path / "news.db", publisher=Publisher(site_url="", name="Kabar Kota"))
    assert unknown.page_url.startswith("/kliping?")
    for name, render in FORMATS.items():
        assert "/kliping?" not in render(unknown), name  # leads nowhere from a mail


# ── how it is told ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_all(form: str) -> None:
    copied = make_clipping(3, copies=tuple((f"Portal {n}", f"https://p{n}.example") for n in range(20)), more_copies=60)
    kliping = make_kliping([make_clipping(1), make_clipping(2)], [copied], left_out=4, news=7)
    told = " ".join(FORMATS[form](kliping).split())
    for words in (
        "Kliping berita: Kota Gorontalo",
        "7 berita dalam 2 peristiwa, dimuat 1 portal (3 artikel)",
        *(f"Pemkot Gorontalo siapkan rapat ke-{number}" for number in (1, 2, 3)),
        "Kabar Tomini (portal daerah), Jumat, 27 November 2026, 14.05 WITA",
        "Para wali kota bertemu di Gorontalo.",
        "Portal 0, Portal 1, Portal 2, Portal 3, Portal 4, dan 75 portal lain",
        "…dan 4 berita lagi",
    ):
        assert words in told, words
    assert re.search("satu peristiwa, 2 berita", told, re.IGNORECASE)
    assert re.search("diskominfo kota gorontalo", told, re.IGNORECASE)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("language", Language)
def test_nothing_new_is_said(form: str, language: Language) -> None:
    told = FORMATS[form](make_kliping(language=language))
    assert get_words(language)["nothing"] in " ".join(told.split())


def test_both_languages_have_the_same_words() -> None:
    tables = tomllib.loads(files("aggregator.kliping").joinpath("wording.toml").read_text(encoding="utf-8"))
    assert tables["id"].keys() == tables["en"].keys()
    sources = [each for each in files("aggregator.kliping").iterdir() if each.name.endswith((".py", ".html"))]
    used = "".join(each.read_text(encoding="utf-8") for each in sources)
    assert not [key for key in tables["id"] if f'"{key}"' not in used]
    for table in ("counted", "kinds"):
        assert tables["id"][table].keys() == tables["en"][table].keys()
    one = make_kliping([make_clipping()], language=Language.ENGLISH)
    assert "1 piece of news on 1 event, carried by 1 portal (1 article)" in render_text(one)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ((1, 0), "Kamis, 26 November 2026"),
        ((7, 0), "Jumat, 20 November 2026 sampai Kamis, 26 November 2026"),
        ((), "Masuk Kamis, 26 November 2026, 14.05 WITA sampai Jumat, 27 November 2026, 14.05 WITA"),
    ],
)
def test_whole_days_are_told_as_days(days: tuple[int, ...], told: str) -> None:
    midnight = NOW - timedelta(hours=14, minutes=5)
    period = [midnight - timedelta(days=each) for each in days] or [NOW - timedelta(days=1), NOW]
    kliping = make_kliping(since=period[0], until=period[1])
    assert get_words(Language.INDONESIAN).tell_period(kliping) == told
    last = told.rpartition(" sampai ")[2].removesuffix(", 14.05 WITA")
    assert entitle(kliping) == f"{kliping.title}, {last} (0 berita)"


# ── what is hostile, long or much ──────────────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "markup": TITLE,
    "messengers": "*_~`*_~` > kutipan - daftar _a_ *b* 1. satu [x](http://y) <b>",
    "entities": "&lt;b&gt; &amp; " + "&" * 180,
    "right-to-left": "\u202egnorw\u202c \u0645\u062f\u064a\u0646\u0629 \u2066x\u2069",
    "controls": "Rapat\x00\x07\x1b[31m\ud800\ufffe kota",
    "endless": "Rapat" * 2_000,
    "lines": "Rapat\n\n> kota\r\n* APEKSI\u2028x",
    "quotes": "\"'><img src=x onerror=alert(1)>",
}


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_hostile_titles_stay_text_in_every_format(tmp_path: Path, title: str) -> None:
    database = tmp_path / "news.db"
    storable = title.encode("utf-8", "ignore").decode()
    item = make_item(
        title=storable, source_name=storable[:300], excerpt=storable, also_at=((storable[:300], "javascript:x"),)
    )
    write_placed_news(database, [item])
    kliping = gather(database, office=title)
    (clipping,) = kliping.stories[0].clippings
    assert clipping.title
    assert len(clipping.title) <= 200
    assert not re.search(
        "[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069\n]", clipping.title + clipping.medium + kliping.office
    )
    for page in (render_email_html(kliping), render_print_html(kliping, STYLE)):
        tree = html.fromstring(page)
        assert not tree.cssselect("script, img, link, iframe, form")
        assert not [each for each in tree.iter() for name in each.attrib if name.startswith("on")]
        assert not tree.xpath("//@href[starts-with(., 'javascript')]")
        assert clipping.title in tree.text_content()
        assert "url(" not in page
    for part in render_telegram(kliping):
        assert {each.tag for each in html.fragment_fromstring(part, create_parent=True)} <= TELEGRAM_TAGS
        check_tags(part)
    assert clipping.title in FORMATS["telegram"](kliping)
    assert clipping.title in FORMATS["markdown"](kliping)
    shown = html.fromstring(read_markdown(kliping))
    assert {str(each.tag) for each in shown.iter()} <= {"div", "p", "strong", "em", "br", "ol", "li", "a"}
    assert set(shown.xpath("//@href")) <= {clipping.url, kliping.page_url}
    assert clipping.title in "\n".join(read_docx(kliping))
    check_whatsapp(render_whatsapp(kliping))


class TagCheck(HTMLParser):
    """Telegram refuses a message in which a tag is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TELEGRAM_TAGS
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_tags(part: str) -> None:
    parser = TagCheck()
    parser.feed(part)
    assert not parser.open


def check_whatsapp(parts: tuple[str, ...]) -> None:
    """Marks are ours alone: a pair in each line that has any, around all of it but its number, mark or count."""
    for line in "\n".join(parts).splitlines():
        if line.startswith("https://"):
            assert not re.search(r"[*~`]|\b_\W|\W_", line)
        elif marks := re.findall(r"[*_~`]", line):
            assert re.fullmatch(r"(?:\d+\. |▪ )?([*_])[^*_~`]+\1(?: \(\d+/\d+\))?", line), line
            assert len(marks) == 2
        else:
            assert not re.match(r"[>-]", line), line


@pytest.mark.parametrize("shape", ["stories", "one-story", "worst"])
def test_messages_are_within_limits_and_lose_nothing(shape: str) -> None:
    worst = "&" * 195
    clippings = [
        make_clipping(
            number,
            **(
                {
                    "title": f"{worst}{number}",
                    "medium": "&" * 80,
                    "extract": "<" * 160,
                    "copies": (("&" * 80, ""),) * 20,
                }
                if shape == "worst"
                else {"url": f"https://kabartomini.example/_{number}_/*x*~y?q=_a"}
            ),
        )
        for number in range(1, 121)
    ]
    stories = [clippings] if shape == "one-story" else [clippings[start : start + 2] for start in range(0, 120, 2)]
    heads = {"title": f"Kliping berita: {'&' * 120}", "office": "&" * 80} if shape == "worst" else {}
    kliping = make_kliping(*stories, **heads)
    for render, limit in ((render_whatsapp, 4_000), (render_telegram, 4_096)):
        parts = render(kliping)
        assert len(parts) > 3
        assert max(map(len, parts)) <= limit
        assert [f"({place}/{len(parts)})" in part for place, part in enumerate(parts, start=1)] == [True] * len(parts)
        told = "\n".join(parts)
        numbers = re.findall(r"^(?:<b>)?(\d+)\.", told, re.MULTILINE)
        assert numbers == [str(number) for number in range(1, 121)]
        assert told.count("https://kabartomini.example/") == 120
    check_whatsapp(render_whatsapp(kliping))
    assert len(render_email_html(kliping).encode()) <= 100_000


def test_a_story_is_not_parted_where_it_fits_into_a_message() -> None:
    stories = [[make_clipping(3 * n + k + 1) for k in range(3)] for n in range(30)]
    for parts in (render_whatsapp(make_kliping(*stories)), render_telegram(make_kliping(*stories))):
        for part in parts:
            numbers = [int(number) for number in re.findall(r"^(?:<b>)?(\d+)\.", part, re.MULTILINE)]
            assert len(numbers) % 3 == 0
            assert numbers[0] % 3 == 1


def test_a_short_kliping_is_one_message_without_a_count() -> None:
    assert [len(render(make_kliping([make_clipping()]))) for render in (render_whatsapp, render_telegram)] == [1, 1]
    assert "(1/" not in render_whatsapp(make_kliping([make_clipping()]))[0]


@pytest.mark.parametrize("most", [200, 600, 1_200])
def test_the_brief_fits_and_counts_what_it_leaves_out(most: int) -> None:
    kliping = make_kliping(*([make_clipping(number)] for number in range(1, 31)))
    brief = render_brief(kliping, most)
    assert len(brief) <= most + 200
    told = len(re.findall(r"^\d+\. ", brief, re.MULTILINE))
    assert f"…dan {30 - told} berita lagi" in brief


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_beside_its_link_shows_no_number() -> None:
    url = "https://kabartomini.example/hubungi-0812-3456-7890"
    kliping = make_kliping([make_clipping(1, url=url)])
    (link, *_) = [each for p in Document(BytesIO(render_docx(kliping))).paragraphs for each in p.hyperlinks]
    assert (link.address, link.text) == (url, "https://kabartomini.example/hubungi-•••")
    page = html.fromstring(render_print_html(kliping, STYLE))
    assert url in page.xpath("//@href")
    assert "hubungi-•••" in page.text_content()
    assert "0812" not in page.text_content()


def test_docx_is_a_numbered_list_with_real_links() -> None:
    kliping = make_kliping([make_clipping(1), make_clipping(2)], [make_clipping(3)])
    document = Document(BytesIO(render_docx(kliping)))
    by_style = {
        name: [p.text for p in document.paragraphs if p.style and p.style.name == name]
        for name in ("Heading 1", "Heading 2", "KlipingTitle")
    }
    assert by_style["Heading 1"] == [kliping.title]
    assert by_style["Heading 2"] == ["Satu peristiwa, 2 berita · Kota Gorontalo · APEKSI", "Kota Gorontalo · APEKSI"]
    assert by_style["KlipingTitle"] == [f"Pemkot Gorontalo siapkan rapat ke-{n}" for n in (1, 2, 3)]
    style = document.styles["KlipingTitle"]
    assert style.base_style is not None
    assert style.base_style.name == "List Number"
    links = [link.address for paragraph in document.paragraphs for link in paragraph.hyperlinks]
    assert links[:3] == [f"https://kabartomini.example/berita/{n}" for n in (1, 2, 3)]
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)  # type: ignore[union-attr]
    assert document.core_properties.title == "Kliping berita: Kota Gorontalo, Jumat, 27 November 2026 (3 berita)"
    assert (document.core_properties.author, document.core_properties.language) == (kliping.office, "id-ID")
    assert {mark.get(f"{W}val") for mark in document.styles.element.iter(f"{W}lang")} == {"id-ID"}
    assert [field.get(f"{W}instr") for field in section.footer._element.iter(f"{W}fldSimple")] == ["PAGE", "NUMPAGES"]


def test_docx_bears_characters_that_xml_forbids() -> None:
    clipping = make_clipping(
        title="Rapat\x00\x0b kota\ud800", medium="\x1bKabar", extract="\ufffe" * 3, url="https://x.example/\x07"
    )
    kliping = make_kliping([clipping], title="Kliping\x08", office="\x01Humas", subject="\x02")
    assert "Rapat kota" in " ".join(read_docx(kliping)).replace("  ", " ")
