"""Prints what `kabarkota search` found: a table for people, tab-separated lines for programs, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from aggregator.instants import from_text, to_text
from aggregator.marked import Piece, write_html
from aggregator.models import DatePrecision
from aggregator.record_rows import ArticleRecord
from aggregator.times import WIB
from schedules.commands.output import clean_cell, print_json, print_table
from schedules.commands.search import Answer, Hit

COLUMNS = ("published (WIB)", "source", "title", "places", "topics", "copies", "url", "guid", "passage")


def print_answer(answer: Answer) -> None:
    """A table with the words in bold on a terminal; elsewhere lines of tab-separated cells."""
    if sys.stdout.isatty():
        _draw(answer.hits)
    else:
        print_table(COLUMNS, (_list_cells(hit) for hit in answer.hits))
    for note in _list_notes(answer):
        typer.echo(note, err=True)


def print_urls(answer: Answer) -> None:
    for hit in answer.hits:
        typer.echo(hit.article.url)


def print_answer_json(answer: Answer) -> None:
    """{found: […], next_before, ranked, ranked_all}; see `tell_hit`."""
    print_json(
        {
            "found": [tell_hit(hit) for hit in answer.hits],
            "next_before": answer.next_before or None,
            "ranked": answer.ranked or None,
            "ranked_all": not answer.is_capped if answer.ranked else None,
        }
    )


def tell_hit(hit: Hit) -> dict[str, Any]:
    """All about it. `marked_title` and `marked_passage` are HTML: what was found between `<mark>` and `</mark>`,
    everything else escaped; null where nothing was found there, or the page allows no quotation."""
    article, item = hit.article, hit.item
    told: dict[str, Any] = {
        "guid": hit.guid,
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "marked_title": write_html(hit.marked.title) or None,
        "marked_passage": write_html(hit.marked.text) or None,
        "source": {"id": article.source.id, "name": article.source.name},
        "author": article.author,
        "published": article.published_at,
        "published_wib": from_text(article.published_at).astimezone(WIB).isoformat(),
        "published_precision": article.published_precision,
        "first_seen": article.first_seen_at,
        "topics": [*article.topics],
        "cities": _list_places(article, "city"),
        "provinces": _list_places(article, "province"),
        "language": article.language,
    }
    if item is None:
        return {**told, "is_copy": not article.is_canonical}
    return {
        **told,
        "first_published": to_text(item.first_published),
        "excerpt": item.excerpt,
        "copies": hit.copies,
        "also_at": [{"source": name, "url": url} for name, url in item.also_at],
        "story_id": item.story_id,
        "story_news": item.story_news,
    }


def _list_places(article: ArticleRecord, kind: str) -> list[dict[str, str]]:
    return [{"slug": place.slug, "name": place.name} for place in article.places if place.kind == kind]


# ── for people ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _list_cells(hit: Hit) -> tuple[str, ...]:
    return (
        _format_time(hit),
        hit.article.source.name,
        hit.article.title,
        _name_places(hit),
        ", ".join(hit.article.topics),
        _count_copies(hit),
        hit.article.url,
        hit.guid,
        "".join(piece.text for piece in hit.marked.text),
    )


def _format_time(hit: Hit) -> str:
    """A day alone stays that of the source."""
    published = from_text(hit.article.published_at, hit.article.published_offset)
    if hit.article.published_precision == DatePrecision.DAY:
        return f"{published:%Y-%m-%d}"
    return f"{published.astimezone(WIB):%Y-%m-%d %H:%M}"


def _name_places(hit: Hit) -> str:
    places = hit.article.places
    return ", ".join(place.name for place in places if place.kind == places[0].kind)


def _count_copies(hit: Hit) -> str:
    if hit.item is None:
        return "" if hit.article.is_canonical else "copy"
    return str(hit.copies)


def _list_notes(answer: Answer) -> list[str]:
    """What belongs to no row."""
    if not answer.hits:
        return ["Nothing found."]
    notes = []
    if answer.is_capped:
        notes.append(f"Ranked: the newest {answer.ranked} that fit; --order newest goes on to older ones.")
    if answer.next_before:
        notes.append(f"There is more: --before {answer.next_before}")
    return notes


def _draw(hits: Iterable[Hit]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("published (WIB)", "news", header_style="bold", box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.columns[0].no_wrap = True
    table.columns[1].overflow = "fold"  # an address is told whole

    def dress(pieces: Sequence[Piece], plain: str = "") -> Text:
        """Text, never markup: square brackets in a title are just that."""
        shown = pieces or [Piece(plain, is_found=False)]
        return Text.assemble(*((clean_cell(piece.text), "bold" if piece.is_found else "") for piece in shown))

    for hit in hits:
        about = [hit.article.source.name, _name_places(hit), *hit.article.topics]
        about.append(f"{hit.copies} copies" if hit.copies > 1 else "" if hit.item else _count_copies(hit))
        lines = [dress(hit.marked.title, hit.article.title)]
        lines += [dress(hit.marked.text)] if hit.marked.text else []
        lines.append(Text(clean_cell(" · ".join(filter(None, about))), "dim"))
        lines.append(Text(clean_cell(hit.article.url), "dim"))
        table.add_row(_format_time(hit), Text("\n", overflow="fold").join(lines))
    if table.row_count:
        Console(highlight=False).print(table)
