"""Prints what `kabarkota search` found: a table for people, tab-separated lines for programs, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import typer

from aggregator.instants import to_text
from aggregator.marked import Piece, write_html
from aggregator.models import DatePrecision
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
        "guid": article.guid,
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "marked_title": write_html(hit.marked.title) or None,
        "marked_passage": write_html(hit.marked.text) or None,
        "source": {"id": article.source_id, "name": article.source_name},
        "author": article.author,
        "published": to_text(article.published),
        "published_wib": article.published.astimezone(WIB).isoformat(),
        "published_precision": article.published_precision or "first-seen",
        "first_seen": to_text(article.first_seen),
        "topics": list(article.topics),
        "cities": [{"slug": place.slug, "name": place.name} for place in article.cities],
        "provinces": [{"slug": place.slug, "name": place.name} for place in article.provinces],
        "language": article.language,
    }
    if item is None:
        return {**told, "is_copy": not article.is_canonical}
    return {
        **told,
        "guid": item.guid,
        "first_published": to_text(item.first_published),
        "excerpt": item.excerpt,
        "copies": len(item.also_at),
        "also_at": [{"source": name, "url": url} for name, url in item.also_at],
        "story_id": item.story_id,
        "story_news": item.story_news,
    }


# ── for people ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _list_cells(hit: Hit) -> tuple[str, ...]:
    return (
        _format_time(hit),
        hit.article.source_name,
        hit.article.title,
        _name_places(hit),
        ", ".join(hit.article.topics),
        _count_copies(hit),
        hit.article.url,
        hit.item.guid if hit.item else hit.article.guid,
        "".join(piece.text for piece in hit.marked.text),
    )


def _format_time(hit: Hit) -> str:
    """A day alone stays that of the source."""
    published: datetime = hit.article.published
    if hit.article.published_precision is DatePrecision.DAY:
        return f"{published:%Y-%m-%d}"
    return f"{published.astimezone(WIB):%Y-%m-%d %H:%M}"


def _name_places(hit: Hit) -> str:
    return ", ".join(place.name for place in hit.article.cities or hit.article.provinces)


def _count_copies(hit: Hit) -> str:
    if hit.item is None:
        return "" if hit.article.is_canonical else "copy"
    return str(len(hit.item.also_at))


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
        about = [hit.article.source_name, _name_places(hit), *hit.article.topics]
        copies = _count_copies(hit)
        about.append(f"{copies} copies" if copies.isdecimal() and copies != "0" else copies.strip("0"))
        lines = [dress(hit.marked.title, hit.article.title)]
        lines += [dress(hit.marked.text)] if hit.marked.text else []
        lines.append(Text(clean_cell(" · ".join(filter(None, about))), "dim"))
        lines.append(Text(clean_cell(hit.article.url), "dim"))
        table.add_row(_format_time(hit), Text("\n", overflow="fold").join(lines))
    if table.row_count:
        Console(highlight=False).print(table)
