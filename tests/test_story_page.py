"""The page of a story: who published first, who copied whom, how late, and what they made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lxml import html
from newsdesk import OTHER, RELEASE, Newsroom
from test_web import serve

from aggregator.chronicle import Chronicle
from aggregator.models import SourceKind
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from aggregator.web.story_page import tell_delay
from aggregator.web.texts import Language, get_texts


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    newsroom = Newsroom(tmp_path)
    yield newsroom
    newsroom.store.close()


@pytest.fixture
def client(newsroom: Newsroom) -> Iterator[httpx.Client]:
    site = SiteInfo(url="https://kabarkota.example/")
    app = create_app(database=newsroom.folder / "news.db", public=newsroom.folder / "public", site=site)
    with serve(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def look(newsroom: Newsroom) -> None:
    with newsroom.store.transaction():
        Chronicle(newsroom.store, newsroom.now).look()
    newsroom.read_feed()


def read(client: httpx.Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(html.fromstring(answer.text).text_content().split())


def test_page_tells_who_was_first_and_who_copied(newsroom: Newsroom, client: httpx.Client) -> None:
    title = "Wali Kota Terima APEKSI"
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1, title=title, kind=SourceKind.CITY_GOVERNMENT)
    newsroom.publish_at("harian", "utuh", RELEASE, hour=3, title=title)
    newsroom.publish_at("petik", "potong", RELEASE[:3], hour=5, title="Tamu APEKSI & kawan")
    newsroom.lose("petik", "potong")
    newsroom.publish_at("harian", "utuh", [*RELEASE, "Ralat: jumlahnya empat belas ruas."], hour=3, title=title)
    look(newsroom)
    with newsroom.store.transaction():  # whatever came past the cleaning
        newsroom.store._connection.execute("UPDATE articles SET title = '<b>Tamu</b>' WHERE source_id = 'petik'")
    shown = read(client, "/story/1")
    for words in (
        "1 kabar tentang peristiwa ini, 3 artikel di 3 portal.",
        "Pemkot · Senin, 5 Oktober 2026, 08.00 WIB · rilis pemerintah kota",
        "paling mirip dengan Pemkot, 2 jam kemudian",
        "<b>Tamu</b>",
        "diubah portalnya 1 kali",
        "dihapus portalnya",
    ):
        assert words in shown
    assert RELEASE[-1] not in shown  # an excerpt, never the text
    assert "most like Pemkot, 2 h later" in read(client, "/story/1?lang=en")
    assert "Jejak berita" in read(client, "/")


def test_hundreds_of_copies_fold_away(newsroom: Newsroom, client: httpx.Client) -> None:
    for number in range(90):
        newsroom.publish_at(f"portal{number}", "salinan", RELEASE, title="Kunjungan APEKSI")
    look(newsroom)
    assert "dan 84 portal lain" in read(client, "/story/1")
    assert "Salinan: 90" in read(client, "/status")


def test_merged_story_leads_on_and_a_withdrawn_one_is_gone(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("awal", "satu", RELEASE[:3], hour=6)
    newsroom.publish_at("akhir", "dua", OTHER, hour=7, title="Bendahara Belajar Obligasi")
    look(newsroom)
    newsroom.publish_at("akhir", "dua", RELEASE, hour=7, title="Bendahara Belajar Obligasi")
    look(newsroom)
    answer = client.get("/story/2?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (308, "/story/1?lang=en")
    with newsroom.store.transaction():
        newsroom.store.withdraw_group(1, newsroom.now)
    answer = client.get("/story/1")
    assert answer.status_code == 410
    assert "Berita ditarik" in answer.text


@pytest.mark.parametrize("path", ["/story/7", "/story/99999999999999999999", "/story/x", "/story/-1", "/story/"])
def test_what_is_no_story_is_not_found(newsroom: Newsroom, client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_unchanged_page_is_not_sent_again(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    look(newsroom)
    first = client.get("/story/1")
    assert client.get("/story/1", headers={"if-none-match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0, "pada menit yang sama"),
        (5, "5 menit kemudian"),
        (125, "2 jam 5 menit kemudian"),
        (1_500, "1 hari 1 jam kemudian"),
        (-3, ""),
    ],
)
def test_delays_are_told_in_words(minutes: int, told: str) -> None:
    assert tell_delay(minutes, get_texts(Language.INDONESIAN)) == told
