"""What is ours in Datasette: its guard, charts, defaults of parameters, colours, headers. Its hooks, by their names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from datasette.utils import path_with_replaced_args
from datasette.utils.asgi import Response
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from pluggy import HookimplMarker

from aggregator.analysis.figures import Bars, draw_figure
from aggregator.analysis.gate import put_gate
from aggregator.analysis.guard import LENGTH_MOST, LENGTH_MOST_WHOLE, PATTERN_MOST, make_authorizer
from aggregator.analysis.metadata import DATABASE
from aggregator.models import Language
from aggregator.questions import find_today, load_queries
from aggregator.reference import read_toml
from aggregator.web.texts import get_texts

PAGES_STATIC = "-/kabarkota/pages"  # where the files of the pages, and ours, are served
OWN_STATIC = "-/kabarkota/own"
_QUERIES = {query.name: query for query in load_queries()}
hookimpl = HookimplMarker("datasette")


@hookimpl
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Any) -> None:
    if database == DATABASE:
        conn.execute("PRAGMA query_only = ON")
        conn.set_authorizer(make_authorizer(datasette.withheld))
        conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LENGTH_MOST if datasette.withheld.columns else LENGTH_MOST_WHOLE)
        conn.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MOST)


@hookimpl
def prepare_jinja2_environment(env: Environment) -> None:
    """Our templates before Datasette's; those of the pages as `web/…`."""
    ours = FileSystemLoader(str(files("aggregator.analysis") / "templates"))
    pages = PrefixLoader({"web": FileSystemLoader(str(files("aggregator.web") / "templates"))})
    assert env.loader is not None
    env.loader = ChoiceLoader([ours, pages, env.loader])


@hookimpl
def extra_css_urls() -> list[str]:
    return [f"/{PAGES_STATIC}/chart.css", f"/{OWN_STATIC}/datasette.css"]


@hookimpl
def extra_template_vars(request: Any, datasette: Any) -> dict[str, Any]:
    language = Language.ENGLISH if request and request.args.get("_lang") == "en" else Language.INDONESIAN
    other = Language.INDONESIAN if language is Language.ENGLISH else Language.ENGLISH
    texts = get_texts(language)

    def draw(columns: Any, rows: Any, name: str | None) -> Any:
        query = _QUERIES.get(name or "")
        title = (query.judul if language is Language.INDONESIAN else query.title) if query else ""
        return draw_figure(columns, rows, texts, title=title, plan=query.chart if query else None)

    return {
        "texts": texts,
        "words": read_toml("datasette.toml")["words"][language.value],
        "other": other.value,
        "switch_language": lambda: datasette.urls.path(path_with_replaced_args(request, {"_lang": other.value})),
        "draw": draw,
        "is_bars": lambda figure: isinstance(figure, Bars),
    }


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    return [(r"/robots\.txt$", _show_robots), (r"/$", _show_first)]


def _show_robots() -> Any:
    return Response.text("User-agent: *\nDisallow: /\n")  # every filter is an address: there is no end of them


def _show_first(datasette: Any) -> Any:
    """The page of the one database; Datasette's list of databases would say less."""
    return Response.redirect(datasette.urls.database(DATABASE))


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    base = datasette.setting("base_url")
    return lambda app: put_gate(app, base, partial(fill_in, f"{base}{DATABASE}/"))


def fill_in(base: str, path: str, asked: bytes) -> bytes:
    """The query of an address, with a value for each parameter of our question that has none."""
    query = _QUERIES.get(unquote(path).removeprefix(base).partition(".")[0]) if path.startswith(base) else None
    if query is None or not query.parameters:
        return asked
    pairs = parse_qsl(asked.decode("latin-1"), keep_blank_values=True)
    names = {each.name for each in query.parameters}
    given = [(key, value) for key, value in pairs if key not in names or value.strip()]
    today = find_today(datetime.now(UTC))
    missing = (each for each in query.parameters if each.name not in dict(given))
    return urlencode([*given, *((each.name, each.tell_default(today)) for each in missing)]).encode()
