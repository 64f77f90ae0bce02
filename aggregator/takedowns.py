"""Takedowns: what was taken down leaves every table and file that readers are served from, and stays out.

    takedowns.jsonl ─▶ last word on each address ─▶ one transaction: group, story, article, rejected page, links, files
                                                     └─▶ table `takedowns` ─▶ kept out when it is read again

Only an undo in the log lets an article back in: a log that was lost, or cut, releases nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from aggregator.chronicle import Chronicle
from aggregator.dedup import EXACT_WORDS, fingerprint
from aggregator.grouping import Grouper
from aggregator.models import ArticleLink, FetchedPage, LinkState
from aggregator.pages import PageFolder
from aggregator.store import Store
from aggregator.takedown_log import LOG_FILE, Action, Order, make_stamp, read_log
from aggregator.takedown_rows import TAKEN_DOWN, Takedown
from aggregator.urls import canonicalize, is_same_site, make_url_key

logger = logging.getLogger(__name__)


def find_log(store: Store) -> Path:
    """The log beside a database."""
    return store.path.parent / LOG_FILE


def is_due(store: Store) -> bool:
    """Whether the log says something else than the database. Cheap: a stat and two small queries. Raises StoreError."""
    stamp = make_stamp(find_log(store))
    return stamp is not None and not store.is_log_applied(stamp)


def apply_takedowns(store: Store, now: datetime) -> int:
    """Makes the database what the log says, in one transaction; returns how many addresses that changed.

    For the writer, outside of a transaction. Does nothing while the log is as it was when this database was last
    brought in line with it. Lines that are no orders are logged as errors. Raises StoreError; then nothing is changed.
    """
    stamp = make_stamp(find_log(store))
    if stamp is None or store.is_log_applied(stamp):
        return 0
    log = read_log(find_log(store))
    for fault in log.faults:
        logger.error("%s", fault)
    with store.scrubbing(), store.transaction():
        changed = _Clerk(store, now).obey(log.orders)
        if changed:
            Chronicle(store, now).look()
            store.scrub_index()
        store.write_applied_log(stamp, now)
    return changed


def hash_text(title: str, text: str, boilerplate: Collection[int] = ()) -> bytes | None:
    """What the very same text is known by; None for too few words to tell it by. PURE."""
    found = fingerprint(title, text, boilerplate=boilerplate)
    return bytes.fromhex(found.text_hash) if text and len(found.words) >= EXACT_WORDS else None


def find_text_hash(store: Store, article: Mapping[str, Any]) -> bytes | None:
    """The hash that an article's text is kept out by."""
    own = hash_text(article["title"], article["text"], store.get_boilerplate(article["source_id"]))
    return own and (store.get_text_hash(article["id"]) or own)


class KeptOut:
    """What must not come in again: looked up in memory, for every page that is read passes here."""

    def __init__(self, takedowns: Iterable[Takedown] = ()) -> None:
        self._keys: set[str] = set()
        self._texts: dict[str, dict[bytes, str]] = {}  # source → text → the address that was taken down
        self._everywhere: dict[bytes, str] = {}  # the same of those that were taken down with their copies
        for each in takedowns:
            self._keys.add(each.key)
            if each.source_id and each.text_hash:
                self._texts.setdefault(each.source_id, {})[each.text_hash] = each.url
            if each.copies and each.text_hash:
                self._everywhere[each.text_hash] = each.url

    def has_key(self, key: str) -> bool:
        return key in self._keys

    def has_page(self, page: FetchedPage) -> bool:
        """Whether one of the addresses that a page goes by was taken down."""
        return bool(self._keys) and any(key in self._keys for key in _list_keys(page))

    def find_text(self, row: Mapping[str, Any], store: Store) -> str:
        """The address of which an article's row has the very same text, of the same source, or of any where its
        copies were taken down with it; "" for none.

        What a source repeats is learnt with time: the text counts with it and without it.
        """
        texts = self._everywhere | self._texts.get(row["source_id"], {})
        if not texts:
            return ""
        whole = hash_text(row["title"], row["text"])
        bare = hash_text(row["title"], row["text"], store.get_boilerplate(row["source_id"]))
        return next((texts[each] for each in (whole, bare) if each in texts), "")


def describe_same_text(url: str) -> str:
    """The reason of a link that led to the text of an address that was taken down."""
    return f"{TAKEN_DOWN}: the text of {url}"


def _list_keys(page: FetchedPage) -> Iterator[str]:
    yield make_url_key(page.link.url)
    yield make_url_key(page.url)
    if page.article is not None and page.article.canonical_url:
        declared = canonicalize(page.article.canonical_url, base=page.url)
        if declared and is_same_site(declared, page.url):
            yield make_url_key(declared)


class _Clerk:
    """Works inside the caller's transaction."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._grouper = Grouper(store, now)
        self._pages = PageFolder(store.path.parent / "pages")

    def obey(self, orders: Mapping[str, Order]) -> int:
        """Does what has not been done. Returns how many addresses that concerned."""
        known = {each.key: each for each in self._store.get_takedowns()}
        changed = 0
        for key, order in orders.items():
            if order.action is Action.TAKEDOWN:
                changed += self._take_down(order, known.get(key))
            elif key in known:
                self._release(known[key])
                changed += 1
        return changed

    def _take_down(self, order: Order, known: Takedown | None) -> bool:
        article = self._store.find_whole_article(order.key)
        text_hash = bytes.fromhex(order.text_hash) if _is_hash(order.text_hash) else None
        if article is not None:
            text_hash = find_text_hash(self._store, article) or text_hash
        takedown = Takedown(
            key=order.key,
            url=order.url,
            source_id=article["source_id"] if article else order.source or (known.source_id if known else None),
            text_hash=text_hash or (known.text_hash if known else None),
            reason=order.reason,
            asked_at=order.asked_at,
            done_at=self._now,
            copies=order.copies,
        )
        self._store.write_takedown(takedown)
        return self._take_out(takedown) or known is None

    def _take_out(self, takedown: Takedown) -> bool:
        """Removes what is here of it; False where nothing was."""
        twins = []
        if takedown.text_hash and (takedown.source_id or takedown.copies):
            whose = None if takedown.copies else takedown.source_id
            twins = self._store.find_same_text(whose, takedown.text_hash)
        if not twins and not self._store.has_trace(takedown.key, TAKEN_DOWN):
            return False
        same = describe_same_text(takedown.url)
        article = self._store.find_whole_article(takedown.key)
        keys: dict[str, str] = {takedown.key: TAKEN_DOWN}
        for row in (*([article] if article else []), *twins):
            keys |= {key: same for key in self._delete(row) if key != takedown.key}
            if row["text"]:
                keys |= {
                    key: same
                    for key in self._store.find_same_rejected(row["source_id"], row["text"])
                    if key != takedown.key
                }
        for key, reason in keys.items():
            self._store.delete_rejected(key)
            self._store.refuse_link(key, reason)
        self._pages.remove(keys)
        return True

    def _delete(self, article: Mapping[str, Any]) -> set[str]:
        """Deletes an article; returns the keys of the addresses that it was read at."""
        keys = {article["url_key"]}
        if article["page_file"]:
            keys.add(PurePosixPath(article["page_file"]).name.partition(".")[0])
        if self._store.find_article_by_id(article["id"]) is None:  # as itself and as its own twin
            return keys
        titles = self._store.get_titles(article["id"])
        self._grouper.leave(article["id"], article["group_id"])
        if article["group_id"] is not None:
            self._store.forget_in_stories(article["id"], article["group_id"], titles, self._now)
        self._store.delete_article(article["id"])
        return keys

    def _release(self, takedown: Takedown) -> None:
        """Lets it be read again: by the next poll of its source, or when it is next met."""
        self._store.delete_takedown(takedown.key)
        found = self._store.find_page(takedown.key)
        if found is None or found["article"] is not None or found["rejected"] is not None:
            return
        link = found["link"]
        whose = None if takedown.copies else link["source_id"]
        for key in self._store.list_refused(whose, describe_same_text(takedown.url)):
            self._store.forget_link(key)
        source = self._store.get_source(link["source_id"])
        if source is None or not source.enabled:
            self._store.forget_link(takedown.key)
            return
        self._store.write_link(
            key=takedown.key,
            url=link["url"],
            source_id=source.id,
            state=LinkState.PENDING,
            now=self._now,
            link=ArticleLink(url=link["url"]),
        )


def _is_hash(text: str) -> bool:
    """Whether it is what `hash_text` gives, in hexadecimal: the log may have been edited."""
    try:
        return len(bytes.fromhex(text)) == 16
    except ValueError:
        return False
