"""Hacked portals: what gambling, loan and medicine sellers put into them, and honest reports on just that."""

from __future__ import annotations

import html
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from battery.case import Expect, case
from battery.news import News
from battery.spoiling import Spoil, on_feed, spoiled
from battery.visitor import Visitor
from battery.writing import RSS, write_feed, write_item, write_page


class Bait(NamedTuple):
    title: str
    text: str


BAIT = (  # the houses are made up, another for each case
    Bait(
        "{house}4D: Link Slot Gacor Hari Ini Gampang Maxwin",
        "{house}4D adalah situs slot gacor terpercaya dengan RTP live tertinggi. Daftar sekarang, deposit pulsa tanpa"
        " potongan mulai 10rb, bonus new member 100 persen, proses WD dua menit. Mainkan Mahjong Ways dan raih maxwin.",
    ),
    Bait(
        "Bandar Togel Online {house}TOTO Hadiah 4D Terbesar",
        "{house}TOTO membuka pasaran togel online resmi, live draw dan keluaran SGP tercepat. Pasang angka jitu, diskon"
        " terbesar, minimal bet 100 perak, pasti dibayar. Klik link alternatif untuk daftar akun.",
    ),
    Bait(
        "Casino Online {house}WIN Baccarat Live dan Bonus Rollingan",
        "Agen casino online {house}WIN menyediakan live casino, baccarat, roulette dan sicbo dengan dealer langsung."
        " Klaim bonus deposit harian, cashback 10 persen, CS 24 jam. Login sekarang lewat link resmi anti blokir.",
    ),
    Bait(
        "Agen Poker PKV Games {house}QQ Winrate Tertinggi",
        "{house}QQ agen pkv games dan bandarq dengan winrate tertinggi. DominoQQ, AduQ, capsa susun dalam satu akun."
        " Deposit dana mulai 10k, bonus referral seumur hidup, gabung sekarang.",
    ),
    Bait(
        "Mix Parlay {house}BET Situs Judi Bola Resmi",
        "{house}BET situs judi bola resmi dengan odds terbaik untuk mix parlay dan over under. Modal receh dijamin"
        " bayar. Daftar akun VIP, klaim freebet, proses WD instan tanpa ribet.",
    ),
)
SYLLABLES = ("ra", "ja", "wa", "li", "me", "kar", "ne", "su", "bi", "tan", "go", "del")


@cache
def make_house(case_name: str) -> str:
    """A name without its ending, such as RAJAWALI; made up, the same for the same case."""
    dice = random.Random(f"house/{case_name}")
    return "".join(dice.choices(SYLLABLES, k=4)).upper()


def get_bait(case_name: str, number: int) -> Bait:
    return Bait(*(part.format(house=make_house(case_name)) for part in BAIT[number % len(BAIT)]))


def expect_clean(case_name: str, *, stores: tuple[int, ...] = (2,), articles_most: int | None = 2) -> Expect:
    """The honest news is kept, and the house is named nowhere in what is published."""
    return Expect(stores=stores, articles_most=articles_most, absent=(make_house(case_name),))


def make_bait(visitor: Visitor, number: int, stuffing: Iterable[str] = ()) -> News:
    """The bait of that number, in the place of the case's news; `stuffing` stands between its paragraphs."""
    title, text = get_bait(visitor.case, number)
    sentences = [f"{part.strip()}." for part in text.split(". ")]
    paragraphs = (text, *stuffing, *sentences, text)
    return replace(visitor.news(number), title=title, paragraphs=paragraphs)


def write_links(case_name: str, count: int) -> str:
    house = make_house(case_name)
    words = [f"{house} {kind}" for kind in ("slot gacor", "togel online", "casino online", "slot88 resmi", "rtp live")]
    addresses = (f"https://{house}{n}.example/{words[n % 5].replace(' ', '-')}" for n in range(count))
    return " ".join(f'<a href="{address}">{words[n % 5]}</a>' for n, address in enumerate(addresses))


@case("hacked-posts", "gambling", expect_clean("hacked-posts", stores=(1, 2, 3), articles_most=None))
async def hacked_posts(visitor: Visitor) -> None:
    """Among three honest articles five posts that somebody put in: those never, the honest ones all the same."""
    baits = {number: make_bait(visitor, number) for number in range(10, 15)}
    if visitor.path == "/feed":
        items = [write_item(bait, visitor.base) for bait in baits.values()]
        await visitor.answer_items([*items, *(visitor.item(n) for n in (1, 2, 3))])
    elif visitor.number in baits:
        await visitor.send(write_page(baits[visitor.number], visitor.base))
    else:
        await visitor.answer_plainly(1, 2, 3)


async def offer(visitor: Visitor, baits: Mapping[int, News]) -> None:
    """The baits and an honest news in the feed, and a page for each."""
    if visitor.path == "/feed":
        await visitor.answer_items([*(write_item(bait, visitor.base) for bait in baits.values()), visitor.item(1)])
    elif visitor.number in baits:
        await visitor.send(write_page(baits[visitor.number], visitor.base))
    else:
        await visitor.answer_plainly(1)


@case(
    "hacked-posts-stuffed",
    "gambling",
    Expect(stores=(1,), never=(10, 11, 12, 13, 14), absent=(make_house("hacked-posts-stuffed"),)),
)
async def hacked_posts_stuffed(visitor: Visitor) -> None:
    """The same posts filled up with a paragraph on APEKSI and smart cities, to look like news on topic."""
    baits = {n: make_bait(visitor, n, visitor.news(n).paragraphs[:3]) for n in range(10, 15)}
    await offer(visitor, baits)


@case("feed-of-bait", "gambling", Expect(codes=("", "empty-feed"), absent=(make_house("feed-of-bait"),)))
async def feed_of_bait(visitor: Visitor) -> None:
    """The whole feed is bait, with full texts; APEKSI is a category of each."""
    baits = {n: make_bait(visitor, n) for n in range(1, 40)}
    if visitor.path == "/feed":
        full = {n: {"content:encoded": html.escape(bait.html), "category": "APEKSI"} for n, bait in baits.items()}
        await visitor.answer_items(write_item(bait, visitor.base, **full[n]) for n, bait in baits.items())
    else:
        await visitor.answer_plainly()


@spoiled("links-hidden", "gambling", expect_clean("links-hidden"))
def links_hidden(visitor: Visitor) -> Spoil:
    """A block of thirty links that nobody sees in an honest page: kept or not, nothing of it is published."""
    return Spoil(page={"after": f'<div style="position:absolute;left:-9999px">{write_links(visitor.case, 30)}</div>'})


@spoiled("links-hidden-in-lead", "gambling", expect_clean("links-hidden-in-lead"))
def links_hidden_in_lead(visitor: Visitor) -> Spoil:
    """The same within the first paragraph, from which excerpts are cut."""
    lead, *rest = visitor.news(1).paragraphs
    block = f'<span style="display:none">{write_links(visitor.case, 30)}</span>'
    return Spoil(page={"body": f"<p>{block}{lead}</p>" + "".join(f"<p>{part}</p>" for part in rest)})


@spoiled("link-in-comment", "gambling")
def link_in_comment(visitor: Visitor) -> Spoil:
    """One reader's comment below an honest article names a house: no fault of the article's."""
    comment = '<p>mampir ke <a href="https://iseng.example/">slot gacor</a></p>'
    return Spoil(page={"after": f'<section id="comments"><h3>Komentar</h3>{comment}</section>'})


@spoiled("title-cloaked", "gambling", expect_clean("title-cloaked"))
def title_cloaked(visitor: Visitor) -> Spoil:
    """An honest title in the feed; on the page the title, and what shares show, are bait over the honest text."""
    title = get_bait(visitor.case, 0).title
    return Spoil(page={"title": title, "head": f'<meta property="og:title" content="{title}">'})


@spoiled("title-only-in-feed", "gambling", expect_clean("title-only-in-feed"))
def title_only_in_feed(visitor: Visitor) -> Spoil:
    """Bait as title and description in the feed; the page is honest."""
    return Spoil(item={"title": get_bait(visitor.case, 1).title, "description": get_bait(visitor.case, 1).text})


@spoiled("description-only", "gambling", expect_clean("description-only", stores=(1, 2)))
def description_only(visitor: Visitor) -> Spoil:
    """Bait in the feed's description alone, under an honest title; the page is honest: so is what is kept."""
    return Spoil(item={"description": get_bait(visitor.case, 2).text})


@spoiled("meta-only", "gambling", expect_clean("meta-only"))
def meta_only(visitor: Visitor) -> Spoil:
    """Bait in what search engines read (description, keywords) of an honest page."""
    text = get_bait(visitor.case, 0).text
    return Spoil(
        page={"head": f'<meta name="description" content="{text}"><meta property="og:description" content="{text}">'}
    )


@spoiled("jsonld-only", "gambling", expect_clean("jsonld-only"))
def jsonld_only(visitor: Visitor) -> Spoil:
    """Bait in the JSON-LD of an honest page: headline, text and author."""
    title, text = get_bait(visitor.case, 3)
    jsonld = (
        f'<script type="application/ld+json">{{"@type":"NewsArticle","headline":"{title}","articleBody":"{text}",'
        f'"description":"{text}","author":{{"name":"{make_house(visitor.case)}QQ"}},"url":"{visitor.base}/news/1"}}</script>'
    )
    return Spoil(page={"head": jsonld})


@spoiled("paragraph-injected", "gambling", expect_clean("paragraph-injected"))
def paragraph_injected(visitor: Visitor) -> Spoil:
    """A paragraph of bait before the first of an honest text: whatever becomes of it, no excerpt shows the bait."""
    return Spoil(page={"body": f"<p>{get_bait(visitor.case, 0).text}</p>{visitor.news(1).html}"})


LOOK_ALIKE = str.maketrans(
    "aceiopxySAOTE", "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443\u0405\u0410\u041e\u0422\u0415"
)
BOLD = {ord(c): chr(0x1D41A + n) for n, c in enumerate("abcdefghijklmnopqrstuvwxyz")} | {
    ord(c): chr(0x1D400 + n) for n, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}


@case("bait-disguised", "gambling", Expect(stores=(1,), never=(10, 11, 12, 13)))
async def bait_disguised(visitor: Visitor) -> None:
    """Bait in Cyrillic letters, in mathematical ones, spaced out and with invisible characters between."""

    def disguise(number: int, text: str) -> str:
        return (
            text.translate(LOOK_ALIKE),
            text.translate(BOLD),
            " ".join(".".join(word) for word in text.split()),
            "\u200b".join(text),
        )[number % 4]

    baits = {}
    for n in range(10, 14):
        bait, topical = make_bait(visitor, n), visitor.news(n).paragraphs[:3]
        baits[n] = replace(
            bait, title=disguise(n, bait.title), paragraphs=(*(disguise(n, part) for part in bait.paragraphs), *topical)
        )
    await offer(visitor, baits)


@case("bait-foreign", "gambling", Expect(stores=(1,), never=(10, 11)))
async def bait_foreign(visitor: Visitor) -> None:
    """Bait in English and in Chinese, with a paragraph on topic."""
    texts = {
        10: Bait(
            "Best Online Casino Bonus and Free Spins Real Money Slots",
            "Claim your welcome bonus at the best casino with free spins and no deposit bonus. Sign up for real money"
            " slots, live betting and poker tables with instant payout.",
        ),
        11: Bait(
            "\u5728\u7ebf\u8d4c\u573a \u8001\u864e\u673a \u767e\u5bb6\u4e50 \u6ce8\u518c\u9001\u5f69\u91d1",
            "\u6700\u4f73\u5728\u7ebf\u8d4c\u573a\uff0c\u8001\u864e\u673a\u4e0e\u767e\u5bb6\u4e50\uff0c\u6ce8\u518c\u5373\u9001\u5f69\u91d1\uff0c\u535a\u5f69\u7f51\u7ad9\u63d0\u6b3e\u5feb\u901f\u3002",
        ),
    }
    baits = {
        n: replace(visitor.news(n), title=title, paragraphs=(text, text, *visitor.news(n).paragraphs[:3]))
        for n, (title, text) in texts.items()
    }
    await offer(visitor, baits)


@spoiled("redirect-script", "gambling", Expect(stores=(2,), never=(1,)))
def redirect_script(visitor: Visitor) -> Spoil:
    """An honest item whose page is a script that sends readers to a house."""
    return Spoil(
        body=b"<html><head><script>location.replace('https://rajawali.example/slot')</script></head><body></body></html>"
    )


@spoiled("refresh-page", "gambling", Expect(stores=(2,), never=(1,)))
def refresh_page(visitor: Visitor) -> Spoil:
    """The same by a refresh in the head, with a line to wait by."""
    refresh = '<meta http-equiv="refresh" content="0;url=https://rajawali.example/slot-gacor">'
    return Spoil(
        body=f"<html><head>{refresh}<title>Tunggu</title></head><body>Mengalihkan\u2026</body></html>".encode()
    )


@case("sellers", "gambling", Expect(stores=(1,), never=(10, 11, 12)))
async def sellers(visitor: Visitor) -> None:
    """Medicine, loans and diplomas for sale, with a paragraph on topic."""
    texts = {
        10: Bait(
            "Jual Obat Kuat dan Obat Aborsi Tuntas COD Bayar di Tempat",
            "Jual obat aborsi dan obat kuat herbal tahan lama, agen resmi, bayar di tempat (COD) hari ini juga.",
        ),
        11: Bait(
            "Pinjaman Online Langsung Cair Tanpa BI Checking Pasti Cair",
            "Pinjaman online langsung cair tanpa BI checking, modal KTP, tanpa DC lapangan. Gestun paylater, joki"
            " pinjol, galbay aman, langsung cair hari ini juga.",
        ),
        12: Bait(
            "Jasa Pembuatan Ijazah dan Jual Followers Centang Biru",
            "Jual ijazah asli terdaftar, jasa skripsi, jual followers, smm panel, centang biru. Bisa COD.",
        ),
    }
    baits = {
        n: replace(visitor.news(n), title=title, paragraphs=(text, text, *visitor.news(n).paragraphs[:3], text))
        for n, (title, text) in texts.items()
    }
    await offer(visitor, baits)


PARKED = (
    "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>This domain is for sale. Domain ini dijual. Buy this"
    " domain today.</p><a href='https://dagang.example/beli'>Beli domain ini</a></body></html>"
)


@on_feed("parked-feed", "gambling", Expect(codes=("parked", "html-not-feed", "not-a-channel"), requests_most=3))
async def parked_feed(visitor: Visitor) -> None:
    """The name was let go: a dealer answers in the feed's place."""
    await visitor.send(PARKED.format("portal-kota.example").encode())


@spoiled("parked-page", "gambling", Expect(stores=(2,), never=(1,)))
def parked_page(visitor: Visitor) -> Spoil:
    """A dealer in domains answers in the article's place."""
    return Spoil(body=PARKED.format("APEKSI dan kota cerdas").encode())


REPORT = (
    "APEKSI dan Wali Kota Perangi Judi Online lewat Satgas Kota Cerdas",
    (
        (
            "Asosiasi Pemerintah Kota Seluruh Indonesia (APEKSI) meminta wali kota membentuk satuan tugas judi online."
            " Kepolisian menangkap tiga tersangka pengelola situs slot dan togel, kata Kapolresta, Selasa."
        ),
        (
            "Menurut wali kota, korban judi online tersebar di semua kelurahan. Pemerintah kota bersama kementerian"
            " memblokir situs perjudian dan memberi pendampingan kepada keluarga korban, ujarnya."
        ),
    ),
)


@case("report-on-gambling", "gambling", Expect(stores=(1, 2)))
async def report_on_gambling(visitor: Visitor) -> None:
    """A city's fight against gambling, reported honestly: news on topic like any other."""
    title, paragraphs = REPORT
    news = visitor.news(1)
    report = replace(news, title=title, paragraphs=(*paragraphs, news.paragraphs[2]))
    if visitor.path == "/feed":
        await visitor.send(write_feed([write_item(report, visitor.base), visitor.item(2)], base=visitor.base), RSS)
    elif visitor.number == 1:
        await visitor.send(write_page(report, visitor.base))
    else:
        await visitor.answer_plainly(2)


@case("report-with-names", "gambling", Expect(stores=(1, 2)))
async def report_with_names(visitor: Visitor) -> None:
    """A trial's report that quotes the houses' names and their bait, in a city's smart-city forum."""
    news = visitor.news(1)
    report = replace(
        news,
        title="Polisi Bongkar Sindikat Situs Judi Online, Diskominfo Kota Blokir 120 Tautan",
        paragraphs=(
            (
                "Kepolisian resor kota membongkar sindikat judi online bernama ELANGMAS88 yang menyusup ke situs kota."
                " Empat tersangka ditangkap, kata Kepala Satuan Reserse Kriminal dalam jumpa pers, Rabu."
            ),
            (
                "Jaksa menyebut para terdakwa menawarkan 'slot gacor' dan 'bonus new member' di halaman kota cerdas."
                " Diskominfo kemudian memblokir 120 tautan dan memperkuat keamanan siber bersama APEKSI, ujarnya."
            ),
            news.paragraphs[2],
        ),
    )
    if visitor.path == "/feed":
        await visitor.send(write_feed([write_item(report, visitor.base), visitor.item(2)], base=visitor.base), RSS)
    elif visitor.number == 1:
        await visitor.send(write_page(report, visitor.base))
    else:
        await visitor.answer_plainly(2)


@spoiled("words-alike", "gambling")
def words_alike(visitor: Visitor) -> Spoil:
    """Honest news that speaks of slots for parking, a tournament of mahjong and a jackpot of prizes."""
    lead, *rest = visitor.news(1).paragraphs
    words = (
        "Kota menambah 88 slot parkir di depan balai kota, menggelar turnamen mahjong warga, dan membagikan hadiah"
        " undian jalan sehat. Pendaftaran dibuka 24 jam lewat aplikasi kota cerdas; daftar sekarang di kelurahan."
    )
    return Spoil(page={"body": "".join(f"<p>{part}</p>" for part in (lead, words, *rest))})
