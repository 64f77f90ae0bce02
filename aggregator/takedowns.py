"""Takedowns: what was taken down leaves every table and file that readers are served from, and stays out.

    takedowns.jsonl ─▶ last word on each address ─▶ one transaction: group, story, article, rejected page, links, files
                                                     └─▶ table `takedowns` ─▶ kept out when it is read again

Only an undo in the log lets an article back in: a log that was lost, or cut, releases nothing.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from aggregator.chronicle import Chronicle
from aggregator.dedup import EXACT_WORDS, LEAST_SHINGLES, fingerprint
from aggregator.group_rows import HASH_BYTES, pack_sketch, unpack_sketch
from aggregator.grouping import Grouper
from aggregator.models import ArticleLink, FetchedPage, LinkState
from aggregator.pages import PageFolder
from aggregator.store import Store
from aggregator.takedown_log import LOG_FILE, Action, Order, make_stamp, read_log
from aggregator.takedown_rows import KEPT_OUT, TAKEN_DOWN, Takedown
from aggregator.urls import canonicalize, is_same_site, make_url_key

logger = logging.getLogger(__name__)

# Of the sampled runs of the shorter text, so many in common make it nearly the same. Measured on the development half:
# copies with 15 of 100 words edited reach it 93 times in 100, shortened or framed ones always; so do 8 of 36 labelled
# pairs of texts on the same event by others, and, of 3,881 texts, 43 pairs that are no copies, at different sources.
NEARLY = 0.4
_ANY = "*"  # no source's id


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


def find_sketch(store: Store, article: Mapping[str, Any]) -> bytes | None:
    """The sketch that texts are kept out by which are nearly that of an article; None where there is nothing to sample.

    A twelfth of its runs of words, as hashes: nobody can read it from them, though who has a text can tell whether it
    is that one.
    """
    return _make_sketch(article, store.get_boilerplate(article["source_id"]))


class KeptOut:
    """What must not come in again: looked up in memory, for every page that is read passes here."""

    def __init__(self, takedowns: Iterable[Takedown] = (), exceptions: Collection[str] = ()) -> None:
        """`exceptions`: keys of the addresses that are let in, whatever text they have."""
        self._exceptions = exceptions
        self._keys: set[str] = set()
        self._whose: set[str] = set()  # sources whose texts may be among them; _ANY: everybody's
        self._sketched: list[tuple[Takedown, int]] = []  # with the size of its sketch
        self._sampled: defaultdict[int, list[int]] = defaultdict(list)  # hash → the places in that list
        self._texts: dict[str, dict[bytes, str]] = {}  # source → text → the address that was taken down
        self._everywhere: dict[bytes, str] = {}  # the same of those that were taken down with their copies
        for each in takedowns:
            self._keys.add(each.key)
            self._whose.add(_ANY if each.copies else each.source_id or "")
            if each.source_id and each.text_hash:
                self._texts.setdefault(each.source_id, {})[each.text_hash] = each.url
            if each.copies and each.text_hash:
                self._everywhere[each.text_hash] = each.url
            if each.sketch:
                hashes = [*unpack_sketch(each.sketch)]
                for value in hashes:
                    self._sampled[value].append(len(self._sketched))
                self._sketched.append((each, len(hashes)))

    def has_key(self, key: str) -> bool:
        return key in self._keys

    def has_page(self, page: FetchedPage) -> bool:
        """Whether one of the addresses that a page goes by was taken down."""
        return bool(self._keys) and any(key in self._keys for key in _list_keys(page))

    def find_text(self, key: str, row: Mapping[str, Any], store: Store) -> str:
        """Why an article's row, read at the address of that key, is kept out: it has the text, or nearly the text, of
        an address that was taken down, of the same source, or of any where its copies were taken down with it; "": it
        is not.

        What a source repeats is learnt with time: the text counts with it and without it.
        """
        if key in self._exceptions or not {_ANY, row["source_id"]} & self._whose:
            return ""
        texts = self._everywhere | self._texts.get(row["source_id"], {})
        boilerplate = store.get_boilerplate(row["source_id"])
        whole = hash_text(row["title"], row["text"])
        bare = hash_text(row["title"], row["text"], boilerplate)
        same = next((texts[each] for each in (whole, bare) if each in texts), "")
        if same:
            return describe_same_text(same)
        nearly = self._find_nearly(row, boilerplate)
        return describe_nearly(nearly) if nearly else ""

    def _find_nearly(self, row: Mapping[str, Any], boilerplate: Collection[int]) -> str:
        """The address whose text shares as many sampled runs of words as copies of one release do.

        Numbers count for nothing here, though they tell two days of a template apart elsewhere: a text that was taken
        down is not another one for a date that was changed. What is in doubt, the operator can let in.
        """
        hashes = [*unpack_sketch(_make_sketch(row, boilerplate) or b"")] if self._sketched else []
        shared = Counter(at for value in hashes for at in self._sampled.get(value, ()))
        for at, count in shared.most_common():
            takedown, size = self._sketched[at]
            concerns = takedown.copies or takedown.source_id == row["source_id"]
            if concerns and count >= NEARLY * max(LEAST_SHINGLES, min(size, len(hashes))):
                return takedown.url
        return ""


def describe_same_text(url: str) -> str:
    """The reason of a link that led to the text of an address that was taken down."""
    return f"{KEPT_OUT}the text of {url}"


def describe_nearly(url: str) -> str:
    """The same of one that led to nearly its text."""
    return f"{KEPT_OUT}nearly the text of {url}"


def _make_sketch(row: Mapping[str, Any], boilerplate: Collection[int]) -> bytes | None:
    """Of a text, or of the summary where there is none: that is told instead."""
    text = row["text"] or row["summary"]
    return (pack_sketch(fingerprint("", text, boilerplate=boilerplate).sketch) or None) if text else None


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
            else:
                is_new = self._store.add_exception(key, order.url, order.asked_at)
                if key in known:
                    self._release(known[key])
                elif is_new:
                    self._let_in(key)
                changed += is_new or key in known
        return changed

    def _take_down(self, order: Order, known: Takedown | None) -> bool:
        article = self._store.find_whole_article(order.key)
        text_hash, sketch = _read_hash(order.text_hash), _read_sketch(order.sketch)
        if article is not None:
            text_hash = find_text_hash(self._store, article) or text_hash
            sketch = find_sketch(self._store, article) or sketch
        takedown = Takedown(
            key=order.key,
            url=order.url,
            source_id=article["source_id"] if article else order.source or (known.source_id if known else None),
            text_hash=text_hash or (known.text_hash if known else None),
            reason=order.reason,
            asked_at=order.asked_at,
            done_at=self._now,
            copies=order.copies,
            sketch=sketch,
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
        for reason in (describe_same_text(takedown.url), describe_nearly(takedown.url)):
            for key in self._store.list_refused(whose, reason):
                self._store.forget_link(key)
        self._ask_again(takedown.key, link)

    def _let_in(self, key: str) -> None:
        """Has an address read again that was kept out for its text."""
        found = self._store.find_page(key)
        if found is not None and found["link"]["reason"].startswith(KEPT_OUT):
            self._ask_again(key, found["link"])

    def _ask_again(self, key: str, link: Mapping[str, Any]) -> None:
        source = self._store.get_source(link["source_id"])
        if source is None or not source.enabled:
            self._store.forget_link(key)
            return
        self._store.write_link(
            key=key,
            url=link["url"],
            source_id=source.id,
            state=LinkState.PENDING,
            now=self._now,
            link=ArticleLink(url=link["url"]),
        )


def _read_hash(text: str) -> bytes | None:
    """What `hash_text` gave, in hexadecimal; None where it is something else: the log may have been edited."""
    found = _read_hex(text)
    return found if len(found) == 16 else None


def _read_sketch(text: str) -> bytes | None:
    """The same of what `find_sketch` gave."""
    found = _read_hex(text)
    return found if found and len(found) % HASH_BYTES == 0 else None


def _read_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
