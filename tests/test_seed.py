"""The document the project grew from, served by a portal."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import feedparser
import pytest
from portals import Answer, make_setup, serve_portal
from warm import run_warm


@pytest.mark.parametrize("name", ["seed.html", "seed-dated.html"])
def test_seed_becomes_a_row_and_an_item(tmp_path: Path, dev_data: Path, name: str) -> None:
    expected = json.loads((dev_data / "seed/expected.json").read_text(encoding="utf-8"))
    now = datetime.fromisoformat(expected["now"])
    with serve_portal() as portal:
        path = "/bangun-interkoneksi-smart-city/"
        page = (
            (dev_data / "seed" / name).read_bytes().replace(b"https://kabarcontoh.example/", f"{portal.base}/".encode())
        )
        portal.answers[path] = Answer(page)
        portal.answers["/"] = Answer(
            f'<html><body><main><ul><li class="pos"><a href="{path}">Bangun Interkoneksi Smart City</a></li></ul>'
            "</main></body></html>".encode()
        )
        source = (
            '[sources.contoh]\nname = "Kabar Contoh"\ndomain = "kabarcontoh.example"\ntimezone = "Asia/Makassar"\n'
            f'channels = [{{ kind = "listing", url = "{portal.base}/", selectors = {{ item = "li.pos" }} }}]\n'
        )
        run_warm(make_setup(tmp_path, source), now=now.astimezone(UTC))
    db = sqlite3.connect(tmp_path / "data/news.db")
    db.row_factory = sqlite3.Row
    row = db.execute("SELECT * FROM articles").fetchone()
    topics = [topic for (topic,) in db.execute("SELECT topic FROM article_topics ORDER BY topic")]
    cities = [
        tuple(city)
        for city in db.execute(
            "SELECT r.name, r.code FROM article_regions ar JOIN regions r USING (code)"
            " WHERE ar.role = 'event' AND r.kind = 'city'"
        )
    ]
    db.close()
    assert row["title"] == expected["title"]
    assert row["author"] == ""
    assert row["text"].split("\n") == expected["paragraphs"]
    assert not [phrase for phrase in expected["absent"] if phrase in row["text"]]
    wanted = expected["published"][name]
    got = datetime.fromisoformat(row["published_at"]).astimezone(ZoneInfo(expected["zone"]))
    assert (got.isoformat(), row["published_precision"]) == (wanted["value"], wanted["precision"])
    assert topics == expected["topics"]
    assert cities == [(expected["city"]["name"], expected["city"]["kemendagri_code"])]
    feed = feedparser.parse((tmp_path / "data/public/feed.xml").read_bytes())
    assert [entry.title for entry in feed.entries] == [expected["title"]]
