"""Articles on topic into rows: new ones, revised ones, and those whose pages ask to be left out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from aggregator.article_building import TITLE_LIMIT, Candidate, is_revision, is_same_news
from aggregator.cleaning import clean_text
from aggregator.differences import find_revision
from aggregator.grouping import Grouper
from aggregator.instants import from_text, to_text
from aggregator.link_writing import LinkWriter
from aggregator.masking import mask_personal
from aggregator.models import ExtractedArticle, FetchedPage, LinkState, TopicMatch
from aggregator.pages import PageFolder
from aggregator.publishers import PublisherFinder
from aggregator.regions import tag_regions
from aggregator.store import Store, StoreError
from aggregator.urls import canonicalize, is_front_page, is_likely_address, is_same_site, make_url_key

logger = logging.getLogger(__name__)

REVISIONS_AT_ONCE = 20  # of one article; a page that never says the same twice would fill the database
FIRST_READING_COUNTS = (  # columns that a revision leaves alone
    *("url", "first_seen_at", "backfilled"),
    *("published_at", "published_offset", "published_precision", "published_raw", "published_method"),
)


class Kept(Enum):
    """What a reading of an article comes to."""

    NEW = auto()
    REVISED = auto()
    AS_IT_WAS = auto()


class ArticleWriter:
    """Works inside the caller's transaction; `now` is the cycle's clock, `table_version` that of the topics."""

    def __init__(
        self, store: Store, *, publishers: PublisherFinder, pages: PageFolder, table_version: str, now: datetime
    ) -> None:
        self._store = store
        self._publishers = publishers
        self._pages = pages
        self._table_version = table_version
        self._now = now
        self._grouper = Grouper(store, now)
        self._has_complained = False  # of pages that could not be kept

    def forget_boilerplate(self) -> None:
        """Has what is a source's own looked up anew."""
        self._grouper.forget_boilerplate()

    def keep_page(self, page: FetchedPage) -> str:
        """Where its bytes are; "" where they could not be kept: that costs a later replay its page, and no article."""
        try:
            return self._pages.write(page)
        except StoreError as error:
            if not self._has_complained:
                self._has_complained = True
                logger.error("%s: pages cannot be kept, their articles are: %s", self._pages.folder, error.__cause__)
            return ""

    def withdraw(self, page: FetchedPage, article: ExtractedArticle) -> None:
        """An article that was kept and whose page asks since then not to be indexed leaves; another page in its place,
        such as a challenge to robots, does not speak for it."""
        url = page.link.url
        known = self._store.find_article(make_url_key(url))
        title = mask_personal(clean_text(article.title, limit=TITLE_LIMIT))
        if known is not None and article.text and title == known["title"]:
            logger.warning("%s: its page asks not to be indexed any more; taken out", url)
            self._grouper.leave(known["id"], known["group_id"])
            self._store.delete_article(known["id"])

    def keep_first_reading(self, candidate: Candidate) -> bool:
        """Whether it is the page of an article that we have: hacked or emptied since, it takes nothing from it."""
        url = candidate.page.link.url
        known = self._store.find_article(make_url_key(url))
        if known is not None:
            logger.warning("%s: its page has no article on topic any more; kept as it was", url)
            self._store.mark_checked(known["id"], self._now, is_gone=False)
            self._heed_dropped(candidate, known)
        return known is not None

    def keep(
        self, candidate: Candidate, topics: tuple[TopicMatch, ...], links: LinkWriter, *, led_by: int | None
    ) -> Kept:
        """Writes an article and its link, with its topics and regions, and groups it.

        `led_by`: the source's channel that has just led to it; None: its source was not polled.
        """
        source, page, row = candidate.source, candidate.page, candidate.row
        links.write_read(source, page, LinkState.KEPT, "")
        key = self._choose_address(candidate, links)
        known = self._store.find_article(key)
        if known is None:
            row["unseen_at"] = self._find_unseen(candidate, led_by)
            article_id = self._store.add_article({**row, "url_key": key, "page_file": candidate.page_file})
        else:
            article_id = known["id"]
            if not page.from_channel:
                self._store.mark_checked(article_id, self._now, is_gone=False)
            if known["snippet_limit"] != row["snippet_limit"] and not page.from_channel:
                self._store.revise_article(article_id, {"snippet_limit": row["snippet_limit"]})
            self._date_late(known, row)
            if self._heed_dropped(candidate, known) or not is_revision(known, row) or self._is_restless(known):
                return Kept.AS_IT_WAS
            self._revise(known, row, candidate.page_file)
        regions = tag_regions(
            row["title"], row["text"], summary=row["summary"], tags=candidate.tags, home_city=source.city
        )
        self._store.write_matches(article_id, topics, regions, table_version=self._table_version)
        if known is None:  # an article that had left takes its old place again
            self._grouper.come_back(article_id, row, self._store.find_withdrawn_group(key))
            return Kept.NEW
        self._grouper.group(article_id, {**row, "id": article_id, "group_id": known["group_id"]})
        return Kept.REVISED

    def _heed_dropped(self, candidate: Candidate, known: Mapping[str, Any]) -> bool:
        """Whether the full text of a known article was let go: what was read of it again is not kept either."""
        if known["text_dropped_at"] is None:
            return False
        self._pages.discard(candidate.page_file)
        return True

    def _find_unseen(self, candidate: Candidate, channel_id: int | None) -> str | None:
        """When its source was last read without the article. A backfill finds what is old."""
        if candidate.row["backfilled"]:
            return None
        key = make_url_key(candidate.page.link.url)
        return self._store.find_unseen(key, candidate.source.id, channel_id, self._now)

    def _date_late(self, known: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Gives an article its date that had none at the first reading, or one that our clock did not believe."""
        if known["published_method"] == "first-seen" != row["published_method"]:
            dated = {name: value for name, value in row.items() if name.startswith("published_")}
            self._store.revise_article(known["id"], dated)

    def _is_restless(self, known: Mapping[str, Any]) -> bool:
        """Whether an article changes so often that it is revised once a day only."""
        if self._store.count_revisions(known["id"]) < REVISIONS_AT_ONCE:
            return False
        return abs(self._now - from_text(known["revised_at"])) < timedelta(days=1)

    def _revise(self, known: Mapping[str, Any], row: Mapping[str, Any], page_file: str) -> None:
        """Writes what an article says now; what it said until now is kept beside it, with the difference.

        Its page is the one that says so, or else a replay would bring back what the article said at first.
        """
        difference = find_revision(known["title"], known["text"], row["title"], row["text"])
        self._store.add_revision(known["id"], known["title"], known["text"], difference.to_json(), self._now)
        changes = {name: value for name, value in row.items() if name not in FIRST_READING_COUNTS}
        if not is_same_news(known, row):
            changes["unseen_at"] = known["read_at"]
        if page_file:
            changes["page_file"] = page_file
        self._store.revise_article(known["id"], {**changes, "revised_at": to_text(self._now)})

    def _choose_address(self, candidate: Candidate, links: LinkWriter) -> str:
        """The URL key of the article, recorded; sets row["url"]. The page's own word counts unless plainly wrong.

        A theme that names the home page, or another article, as canonical must not make articles overwrite each other.
        """
        row = candidate.row
        own = make_url_key(row["url"])
        declared = canonicalize(row["declared_url"]) if row["declared_url"] else ""
        key = make_url_key(declared)
        if declared and key != own and self._believes(declared, key, candidate):
            row["url"] = declared
        else:
            key = own
        if key != make_url_key(candidate.page.link.url):
            links.write_address(key, row["url"], candidate)
        return key

    def _believes(self, declared: str, key: str, candidate: Candidate) -> bool:
        row = candidate.row
        if not is_same_site(declared, row["url"]) or is_front_page(declared):
            return False
        holder = self._publishers.find_holder(declared, candidate.source)
        if holder is not None and holder.id != candidate.source.id:
            return False
        known = self._store.find_article(key)
        return (
            is_likely_address(declared, row["url"], row["title"]) if known is None else known["title"] == row["title"]
        )
