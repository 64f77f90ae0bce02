"""`kabarkota search`: finds news in the database, as the pages and the API do. It only reads, and holds no lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.article_rows import ArticleSearch
from aggregator.feeds import FeedKind
from aggregator.finding import FindingError, find_news, look_up
from aggregator.marked import Marked, mark_passage
from aggregator.models import FeedItem, Language
from aggregator.publish.describing import tell_problem
from aggregator.record_rows import ArticleRecord
from aggregator.search import NewsQuery, read_query
from aggregator.search_terms import QueryError, join_arguments
from aggregator.store import Store
from schedules.commands.context import CommandContext
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import clean_cell
from schedules.commands.time_options import read_until
from schedules.errors import UsageFailure


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """What was asked on the command line."""

    words: Sequence[str]
    filters: Mapping[FeedKind, Sequence[str]]  # slugs; either of a kind will do
    since: str | None = None
    until: str | None = None
    by_relevance: bool = False
    by_story: bool = False
    with_archive: bool = True
    copies: bool = False  # articles, not pieces of news
    limit: int = 20
    before: str | None = None  # guid; of copies, the id of an article


@dataclass(frozen=True, kw_only=True)
class Hit:
    """What was found: a piece of news, or of copies an article."""

    guid: str  # of the piece of news
    article: ArticleRecord  # of a piece of news, its canonical one
    item: FeedItem | None  # None: of copies
    copies: int  # articles that carry the text of a piece of news, itself included, as in the views; 0: of copies
    marked: Marked


@dataclass(frozen=True, kw_only=True)
class Answer:
    hits: tuple[Hit, ...]
    next_before: str  # what --before goes on after; "" where there is no more
    ranked: int = 0  # how many of the newest were ranked; 0: they stand by time
    is_capped: bool = False  # whether older ones, too, have the words


def search_news(context: CommandContext, request: SearchRequest, now: datetime) -> Answer:
    """Raises UsageFailure (bad question, unknown names), RunFailure (no database, or an older one), StoreError."""
    database = context.setup.database
    query = read_request(request, now)
    check_database(database)
    with Store.open_reader(database) as store, store.snapshot():
        check_schema(store)
        try:
            return _find_articles(store, query, request) if request.copies else _find_news(store, query, request.limit)
        except FindingError as error:
            raise UsageFailure(f"search: {clean_cell(error.tell(Language.ENGLISH))}") from error


def read_request(request: SearchRequest, now: datetime) -> NewsQuery:
    """The question that is asked. Raises UsageFailure."""
    if strange := next((word for word in request.words if word.startswith("--")), None):
        raise UsageFailure(f"search: there is no option {strange}; see `kabarkota search --help`")
    words = join_arguments(request.words)
    pairs = [("q", words), *((kind.value, value) for kind, values in request.filters.items() for value in values)]
    pairs += [("since", request.since or ""), ("before", (not request.copies and request.before) or "")]
    pairs += [("order", "relevance")] if request.by_relevance else []
    pairs += [("group", "story")] if request.by_story else []
    pairs += [("archive", "yes")] if request.with_archive else []
    try:
        query = replace(read_query(pairs, now), language=Language.ENGLISH)
        query = replace(query, until=read_until(request.until or None, now))
    except QueryError as error:
        raise UsageFailure(f"search: {error.key}: {tell_problem(error, Language.ENGLISH)}") from error
    if query.since and query.until and query.since.at >= query.until.at:
        raise UsageFailure(f"search: --since {request.since} is not before --until {request.until}")
    if query.by_relevance and not query.terms:
        raise UsageFailure("search: --order relevance: needs words to go by")
    return query


def _find_news(store: Store, query: NewsQuery, limit: int) -> Answer:
    """Raises FindingError."""
    found = find_news(store, query, limit=limit)
    news = store.get_news_records(found.groups)
    passages = store.get_passages(found.groups, query.match) if query.terms else {}
    return Answer(
        hits=tuple(
            Hit(
                guid=item.guid,
                article=news[group].article,
                item=item,
                copies=news[group].articles,
                marked=mark_passage(passages.get(group)),
            )
            for group, item in zip(found.groups, found.items, strict=True)
        ),
        next_before=found.next_before,
        ranked=found.ranked,
        is_capped=found.is_capped,
    )


def _find_articles(store: Store, query: NewsQuery, request: SearchRequest) -> Answer:
    """Raises FindingError, UsageFailure."""
    if not query.terms:
        raise UsageFailure("search: --copies: needs words; `kabarkota export articles` lists all articles")
    if query.by_relevance or query.by_story:
        raise UsageFailure("search: --copies: lists by time alone, without --order relevance and --by-story")
    before = request.before
    if before is not None and not (before.isascii() and before.isdecimal() and len(before) < 19):
        raise UsageFailure(f"search: --before {before}: of --copies, the id of an article")
    look_up(store, query)  # whether there are such names
    search = ArticleSearch(
        match=query.match,
        names=query.feeds,
        since=query.since,
        until=query.until,
        before=int(before) if before is not None else None,
    )
    found = store.search_articles(search, limit=request.limit + 1)
    shown = [*found][: request.limit]
    records, passages = store.get_article_records(shown), store.get_article_passages(shown, query.match)
    return Answer(
        hits=tuple(
            Hit(guid=found[each], article=records[each], item=None, copies=0, marked=mark_passage(passages.get(each)))
            for each in shown
        ),
        next_before=str(shown[-1]) if len(found) > len(shown) else "",
    )
