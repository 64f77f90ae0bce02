"""What Datasette is told of the database: names, meanings, orders, facets, search, questions. Pure.

It is Datasette's own format: `kabarkota datasette --metadata` prints it, for another Datasette over a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from aggregator.publish.describing import Publisher
from aggregator.questions import SampleQuery
from aggregator.reference import read_toml
from aggregator.schema.describing import DescribedRelation
from aggregator.schema.views import load_views
from aggregator.snapshot_rows import PARTS

DATABASE = "news"  # its name in addresses, whatever the file is called
SEARCH_TABLE = "articles_fts"
PAGE_SIZE = 50
# A facet reads all rows of its view and is given up after a fifth of a second: that is enough for so many articles.
SMALL = 20_000
_LIBRARIES_OWN = ("_sqlite_migrations", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4")


@dataclass(frozen=True, kw_only=True, slots=True)
class Withheld:
    """What is not shown: all tables and views but the open ones, and columns of these."""

    open: frozenset[str] | None = None  # None: all of them
    columns: frozenset[tuple[str, str]] = frozenset()  # table, column

    def has_table(self, name: str) -> bool:
        """Whether it is withheld."""
        return self.open is not None and name not in self.open


def list_withheld() -> Withheld:
    """What is not for everybody: whatever a snapshot leaves out, such as full texts and what was taken down."""
    table = read_toml("datasette.toml")
    kept = table["open"]["columns"]
    columns = [
        (name, column) for name, part in PARTS.items() for column in part.values if column not in kept.get(name, ())
    ]
    columns += [(name, column) for name, names in table["closed"].items() for column in names]
    return Withheld(open=frozenset({*PARTS, *load_views(), *table["open"]["tables"]}), columns=frozenset(columns))


def build_metadata(
    schema: Sequence[DescribedRelation],
    queries: Iterable[SampleQuery],
    publisher: Publisher,
    *,
    articles: int,
    withheld: Withheld,
) -> dict[str, Any]:
    """`schema`: as the database tells it; `articles`: how many there are, which decides on the facets."""
    tables: dict[str, dict[str, Any]] = {each.name: _show(each, articles) for each in schema if each.kind != "working"}
    tables |= {
        name: {"hidden": True} for name in (*_LIBRARIES_OWN, *(each.name for each in schema if each.kind == "working"))
    }
    tables |= {each.name: {"allow": False, "hidden": True} for each in schema if withheld.has_table(each.name)}
    about = read_toml("datasette.toml")["about"]
    title = about["title"].format(site=publisher.name)
    page = publisher.locate("data") if publisher.site_url else ""
    return {
        "title": title,
        "license": about["license"],
        "source": about["source"],
        **({"about": about["about"], "about_url": page} if page else {}),
        "databases": {
            DATABASE: {
                "title": title,
                "description_html": "".join(_tell_about(about, withheld)),
                "tables": tables,
                "queries": {each.name: _ask(each) for each in queries},
            }
        },
    }


def _tell_about(about: Mapping[str, str], withheld: Withheld) -> Iterable[str]:
    for language in ("id", "en"):
        more = f" {about[f'withheld_{language}']}" if withheld.columns else ""
        yield f'<p lang="{language}">{escape(about[language] + more)}</p>'


def _show(relation: DescribedRelation, articles: int) -> dict[str, Any]:
    row = read_toml("datasette.toml")["relations"].get(relation.name, {})
    shown: dict[str, Any] = {
        "description": _strip_marks(relation.comment),
        "columns": {each.name: _strip_marks(each.comment) for each in relation.columns},
        "size": PAGE_SIZE,
    }
    if "id" in row:
        shown["title"] = f"{relation.name}: {row['id']} / {row['en']}"
    if "sort_desc" in row:
        shown["sort_desc"] = row["sort_desc"]
    if facets := row.get("facets", []) + (row.get("small_facets", []) if articles <= SMALL else []):
        shown["facets"] = facets
    if "search" in row:
        shown |= {"fts_table": SEARCH_TABLE, "fts_pk": row["search"]}
    if "label" in row:
        shown["label_column"] = row["label"]
    if relation.kind != "view" and not row.get("shown"):
        shown["hidden"] = True
    return shown


def _strip_marks(comment: str) -> str:
    """Without those of code: Datasette shows them as they are."""
    return comment.replace("`", "")


def _ask(query: SampleQuery) -> dict[str, Any]:
    told = f'<p lang="id">{escape(query.kata)}.</p><p lang="en">{escape(query.says)}.</p>'
    if query.parameters:
        items = "".join(
            f'<li><code>{each.name}</code> <span lang="id">{escape(each.kata)}</span>'
            f' / <span lang="en">{escape(each.says)}</span></li>'
            for each in query.parameters
        )
        told += f'<ul class="parameters">{items}</ul>'
    return {
        "sql": query.sql,
        "title": f"{query.judul} / {query.title}",
        "description": query.says,
        "description_html": told,
        "hide_sql": True,
        **({"params": [each.name for each in query.parameters]} if query.parameters else {}),
    }
