"""The commands that run one stage on a file: what the contracts promise, and one line on bad input."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_here

RELEASE = (
    "Pemerintah Kota Gorontalo meresmikan pusat kendali kota cerdas di balai kota, Senin pagi. "
    "Pengurus APEKSI hadir bersama para wali kota anggota Komisariat Wilayah VI dan meninjau ruang itu. "
    "Warga dapat melapor lewat telepon, pesan singkat, atau datang ke kantor kelurahan terdekat."
)
RECORDS = [
    {
        "id": 1,
        "source": "mula",
        "title": "Kota Gorontalo buka pusat kendali",
        "text": RELEASE,
        "published": "2026-10-05",
    },
    {
        "id": "2",
        "source": "salin",
        "title": "APEKSI di Gorontalo",
        "text": RELEASE,
        "published": "2026-10-06",
        "hal": 3,
    },
    {"id": "x", "source": "lain", "title": "Laga ditunda", "text": "Hujan lebat mengguyur lapangan sejak siang."},
]


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "schedules", "--data", "d", *arguments],
        cwd=folder, input=stdin, capture_output=True, check=False,
    )  # fmt: skip


def write(folder: Path, lines: list[object]) -> bytes:
    body = b"\xef\xbb\xbf" + "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    (folder / "artikel.jsonl").write_bytes(body)
    return body


def test_dedup_gives_each_article_the_id_of_its_canonical(tmp_path: Path) -> None:
    body = write(tmp_path, RECORDS)
    result = run(tmp_path, "dedup", "artikel.jsonl")
    assert result.returncode == 0, result.stderr
    rows = list(csv.reader(result.stdout.decode().splitlines()))
    assert rows == [["id", "cluster"], ["1", "1"], ["2", "1"], ["x", "x"]]
    assert run(tmp_path, "dedup", "-", stdin=body).stdout == result.stdout


def test_classify_tells_topics_regions_and_spam_with_their_evidence(tmp_path: Path) -> None:
    write(tmp_path, RECORDS)
    result = run(tmp_path, "classify", "artikel.jsonl")
    assert result.returncode == 0, result.stderr
    first, second, other = map(json.loads, result.stdout.splitlines())
    assert [found["id"] for found in (first, second, other)] == ["1", "2", "x"]
    assert {match["topic"] for match in second["topics"]} == {"apeksi", "smart-city"}
    assert first["topics"][0]["evidence"][0].keys() == {"term", "place", "offset", "weight"}
    events = [match for match in first["regions"] if match["role"] == "event"]
    assert [match["code"] for match in events if match["kind"] == "city"] == ["75.71"]
    assert first["spam"]["is_spam"] is False
    assert other["topics"] == []


def test_extract_reads_a_saved_page(tmp_path: Path) -> None:
    paragraphs = "".join(f"<p>{sentence}.</p>" for sentence in RELEASE.split(". "))
    (tmp_path / "laman.html").write_text(
        f"<html><head><title>Uji</title></head><body><article><h1>Kota Gorontalo buka pusat kendali</h1>"
        f"<time datetime='2026-10-05T09:30:00+08:00'>5 Oktober</time>{paragraphs * 3}</article></body></html>",
        encoding="utf-8",
    )
    result = run(tmp_path, "extract", "laman.html", "--url", "https://kabar.example/berita/1", "--json")
    article = json.loads(result.stdout)
    assert article["title"] == "Kota Gorontalo buka pusat kendali"
    assert article["published"] == "2026-10-05T09:30:00+08:00"
    assert article["published_precision"] in ("minute", "second")
    assert article["text"].startswith("Pemerintah Kota Gorontalo")
    assert {"authors", "modified", "summary", "image", "canonical_url", "site_name", "language", "method"} <= set(
        article
    )


@pytest.mark.parametrize("command", ["dedup", "classify"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"id": 1, "title": "a", "text": "b"}\n{"id": ', ("line 2",), id="cut-json"),
        pytest.param(b'{"id": 1, "title": "a"}', ("line 1", "text"), id="missing-key"),
        pytest.param(b'{"id": 1, "title": ["a"], "text": "b"}', ("line 1", "title"), id="wrong-type"),
        pytest.param(b"[1, 2]", ("line 1",), id="no-object"),
        pytest.param(b"\xff\xfe", ("line 1",), id="no-utf-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, command: str, body: bytes, words: tuple[str, ...]) -> None:
    (tmp_path / "artikel.jsonl").write_bytes(body)
    check_failure(run_here(tmp_path, "--data", "d", command, "artikel.jsonl"), "artikel.jsonl", *words)


@pytest.mark.parametrize("command", ["dedup", "classify", "extract"])
def test_a_missing_file_is_named(tmp_path: Path, command: str) -> None:
    check_failure(run_here(tmp_path, "--data", "d", command, "tidak-ada"), "tidak-ada")


def test_an_id_that_is_there_twice_is_named(tmp_path: Path) -> None:
    write(tmp_path, [RECORDS[0], RECORDS[0]])
    check_failure(run_here(tmp_path, "--data", "d", "dedup", "artikel.jsonl"), "artikel.jsonl", "twice")


def check_failure(result: subprocess.CompletedProcess[str], *words: str) -> None:
    errors = result.stderr
    assert result.returncode == 2, errors
    assert "Traceback" not in errors
    (line,) = [line for line in errors.splitlines() if line.startswith("kabarkota:")]
    assert all(word in line for word in words), line
