"""The schema, as numbered migrations. Comments inside the SQL stay in the database: `.schema` reads as documentation.

Instants are TEXT in UTC, `2026-11-23T08:15:00Z`, so that they sort as text. A migration is never changed once released.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from aggregator.lean_sqlite_utils import Database, Migrations
from aggregator.masking import mask_columns

MIGRATIONS = Migrations("kabarkota")

_TABLES = (
    """
    CREATE TABLE sources (
        -- Who publishes: the catalogue, rewritten by every cycle. Sources that left it stay, switched off.
        id TEXT PRIMARY KEY, -- slug
        name TEXT NOT NULL,
        domain TEXT NOT NULL,
        kind TEXT NOT NULL, -- regional, national, city-government …
        province TEXT,
        city TEXT, -- slug of the home city: kota-gorontalo
        timezone TEXT NOT NULL, -- IANA name; dates without a zone are read in it
        language TEXT NOT NULL,
        full_text INTEGER NOT NULL DEFAULT 0, -- 1: the publisher allows the full text to be republished
        enabled INTEGER NOT NULL DEFAULT 1,
        pages_read INTEGER NOT NULL DEFAULT 0 -- pages whose paragraphs were counted into `boilerplate`
    ) STRICT
    """,
    """
    CREATE TABLE channels (
        -- One way into a source, and all that is remembered of it between polls.
        id INTEGER PRIMARY KEY,
        source_id TEXT NOT NULL REFERENCES sources (id),
        kind TEXT NOT NULL CHECK (kind IN ('feed', 'sitemap', 'wordpress', 'listing')),
        url TEXT NOT NULL UNIQUE,
        enabled INTEGER NOT NULL DEFAULT 1,
        etag TEXT NOT NULL DEFAULT '', -- sent as If-None-Match
        last_modified TEXT NOT NULL DEFAULT '', -- sent as If-Modified-Since
        body_hash TEXT NOT NULL DEFAULT '', -- recognises an unchanged body from a server that never answers 304
        next_poll_at TEXT NOT NULL DEFAULT '', -- due from then on; '' is due at once
        last_success_at TEXT,
        failures INTEGER NOT NULL DEFAULT 0 -- polls failed in a row
    ) STRICT
    """,
    "CREATE INDEX channels_due ON channels (next_poll_at) WHERE enabled",
    "CREATE INDEX channels_of_source ON channels (source_id)",
    """
    CREATE TABLE cycles (
        -- One run over the due sources.
        id INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        finished_at TEXT, -- NULL: running, or killed
        summary TEXT -- JSON: what `run --json` prints
    ) STRICT
    """,
    """
    CREATE TABLE polls (
        -- How each poll of a channel went: the denominator of every statistic.
        id INTEGER PRIMARY KEY,
        cycle_id INTEGER NOT NULL REFERENCES cycles (id),
        channel_id INTEGER NOT NULL REFERENCES channels (id),
        started_at TEXT NOT NULL,
        finished_at TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('changed', 'unchanged', 'refused', 'failed')),
        http_status INTEGER NOT NULL, -- 0: no answer
        reason TEXT NOT NULL, -- for people; '' when all went well
        links INTEGER NOT NULL, -- entries on the channel
        requests INTEGER NOT NULL,
        articles INTEGER NOT NULL -- of them new and kept
    ) STRICT
    """,
    "CREATE INDEX polls_of_channel ON polls (channel_id, started_at)",
    """
    CREATE TABLE hosts (
        -- robots.txt of each host as last read (RFC 9309: good for 24 hours).
        host TEXT PRIMARY KEY, -- name:port
        robots_fetched_at TEXT NOT NULL,
        robots_status INTEGER NOT NULL,
        robots_body BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE links (
        -- Every URL seen, and what became of it.
        key TEXT PRIMARY KEY, -- aggregator.urls.make_url_key: one for all addresses of an article
        url TEXT NOT NULL,
        source_id TEXT NOT NULL REFERENCES sources (id),
        state TEXT NOT NULL CHECK (state IN ('pending', 'kept', 'off-topic', 'spam', 'failed', 'refused')),
        reason TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        first_seen_at TEXT NOT NULL,
        read_at TEXT, -- when its page (or full text) was last read
        link TEXT -- JSON of what the channel said, while pending
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX links_of_source ON links (source_id, first_seen_at)",
    "CREATE INDEX links_pending ON links (source_id) WHERE state = 'pending'",
    """
    CREATE TABLE duplicate_groups (
        -- The same text at several sources. One item of a feed.
        id INTEGER PRIMARY KEY,
        guid TEXT UNIQUE, -- for life; NULL until first published
        canonical_id INTEGER NOT NULL, -- the article shown for the group
        first_published_at TEXT, -- when the item entered the feed, to the microsecond: the order of the feed
        updated_at TEXT NOT NULL, -- last change of its members or of the canonical text
        archived INTEGER NOT NULL DEFAULT 0, -- 1: too old when found; in the archives, never in the main feed
        merged_into INTEGER REFERENCES duplicate_groups (id) -- not NULL: withdrawn, its guid points there
    ) STRICT
    """,
    "CREATE INDEX groups_by_publication ON duplicate_groups (first_published_at) WHERE merged_into IS NULL",
    """
    CREATE TABLE articles (
        -- One page of one source, duplicates included. On topic, unless everything is kept (`--keep all`).
        id INTEGER PRIMARY KEY,
        url TEXT NOT NULL UNIQUE, -- canonical: no tracking, no AMP, no page number
        url_key TEXT NOT NULL UNIQUE REFERENCES links (key),
        source_id TEXT NOT NULL REFERENCES sources (id),
        group_id INTEGER REFERENCES duplicate_groups (id),
        title TEXT NOT NULL,
        author TEXT NOT NULL, -- names, separated by ', '; never a publisher or a desk
        published_at TEXT NOT NULL, -- UTC; first_seen_at where the page gives no believable date
        published_offset INTEGER NOT NULL, -- minutes east of UTC, as the source wrote it
        published_precision TEXT NOT NULL CHECK (published_precision IN ('second', 'minute', 'day', 'none')),
        published_raw TEXT NOT NULL, -- as written
        published_method TEXT NOT NULL, -- json-ld, meta, time, text, channel …; first-seen: none was found
        modified_at TEXT,
        text TEXT NOT NULL, -- paragraphs, one newline between two
        summary TEXT NOT NULL,
        image TEXT NOT NULL, -- address only; images are never copied
        language TEXT NOT NULL,
        tags TEXT NOT NULL, -- JSON array
        declared_url TEXT NOT NULL, -- rel=canonical as the page says; may be another site's
        extraction_method TEXT NOT NULL, -- which way the body was found
        first_seen_at TEXT NOT NULL,
        revised_at TEXT, -- when a later reading changed title or text
        page_file TEXT NOT NULL DEFAULT '' -- its bytes, below pages/; '' when not kept
    ) STRICT
    """,
    "CREATE INDEX articles_by_date ON articles (published_at)",
    "CREATE INDEX articles_of_group ON articles (group_id)",
    "CREATE INDEX articles_of_source ON articles (source_id, published_at)",
    """
    CREATE TABLE rejected_pages (
        -- Pages that named a topic somewhere and still are off topic, or spam: kept so that `explain` can say why.
        key TEXT PRIMARY KEY REFERENCES links (key),
        source_id TEXT NOT NULL REFERENCES sources (id),
        url TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('off-topic', 'spam')),
        scores TEXT NOT NULL, -- JSON: topic or spam scores with their evidence
        read_at TEXT NOT NULL,
        page_file TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE article_topics (
        -- Why an article is here.
        article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        topic TEXT NOT NULL, -- apeksi, smart-city …
        score REAL NOT NULL,
        evidence TEXT NOT NULL, -- JSON: term, place, offset, weight of every match
        PRIMARY KEY (topic, article_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX topics_of_article ON article_topics (article_id)",
    """
    CREATE TABLE regions (
        -- The 98 member cities of APEKSI and the provinces.
        code TEXT PRIMARY KEY, -- Kemendagri: 75.71, province 75
        name TEXT NOT NULL, -- Kota Gorontalo
        slug TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('city', 'province')),
        province TEXT NOT NULL,
        komwil INTEGER, -- APEKSI Komisariat Wilayah, 1 to 6; NULL for provinces
        timezone TEXT,
        latitude REAL,
        longitude REAL
    ) STRICT
    """,
    """
    CREATE TABLE article_regions (
        -- Where the news happened (event), and which other places it names (mention).
        article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        code TEXT NOT NULL REFERENCES regions (code),
        role TEXT NOT NULL CHECK (role IN ('event', 'mention')),
        score REAL NOT NULL,
        evidence TEXT NOT NULL, -- JSON
        PRIMARY KEY (code, article_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX regions_of_article ON article_regions (article_id)",
    """
    CREATE TABLE duplicate_edges (
        -- Every accepted decision that two articles carry the same text.
        a INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE, -- the newer of the two
        b INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        rule TEXT NOT NULL, -- which rule of aggregator.dedup accepted it
        score REAL NOT NULL, -- containment of 3-word shingles
        alignment REAL NOT NULL, -- share of the shorter text in the longest common subsequence; 0: not needed
        decided_at TEXT NOT NULL,
        PRIMARY KEY (a, b)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX edges_of_b ON duplicate_edges (b)",
    """
    CREATE TABLE postings (
        -- Sampled shingles of each article: two that share a few are compared.
        hash INTEGER NOT NULL,
        article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        PRIMARY KEY (hash, article_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX postings_of_article ON postings (article_id)",
    """
    CREATE TABLE boilerplate (
        -- Paragraphs of each source and on how many of its pages they stood: what is on many is the site's own.
        source_id TEXT NOT NULL REFERENCES sources (id),
        hash INTEGER NOT NULL,
        pages INTEGER NOT NULL,
        PRIMARY KEY (source_id, hash)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE VIRTUAL TABLE articles_fts USING fts5 (
        title, text, content='articles', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER articles_fts_insert AFTER INSERT ON articles BEGIN
        INSERT INTO articles_fts (rowid, title, text) VALUES (new.id, new.title, new.text);
    END
    """,
    """
    CREATE TRIGGER articles_fts_delete AFTER DELETE ON articles BEGIN
        INSERT INTO articles_fts (articles_fts, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
    END
    """,
    """
    CREATE TRIGGER articles_fts_update AFTER UPDATE OF title, text ON articles BEGIN
        INSERT INTO articles_fts (articles_fts, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
        INSERT INTO articles_fts (rowid, title, text) VALUES (new.id, new.title, new.text);
    END
    """,
)

_VIEWS = (
    """
    CREATE VIEW news AS
    -- One row for each piece of news (duplicate group), shown through its canonical article.
    SELECT g.id AS group_id, g.guid, a.id AS article_id, a.title, a.url, s.name AS source, a.published_at,
        datetime(a.published_at, '+7 hours') AS published_wib, g.first_published_at,
        (SELECT count(*) FROM articles AS m WHERE m.group_id = g.id) AS copies,
        (SELECT group_concat(topic, ', ') FROM article_topics AS t WHERE t.article_id = a.id) AS topics,
        (SELECT group_concat(r.name, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
            WHERE ar.article_id = a.id AND ar.role = 'event') AS regions
    FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id JOIN sources AS s ON s.id = a.source_id
    WHERE g.merged_into IS NULL
    """,
    """
    CREATE VIEW duplicates AS
    -- Each copy beside the canonical article of its group.
    SELECT a.id AS article_id, a.url, a.source_id, a.title, g.canonical_id, c.url AS canonical_url,
        c.source_id AS canonical_source_id, a.published_at
    FROM articles AS a JOIN duplicate_groups AS g ON g.id = a.group_id JOIN articles AS c ON c.id = g.canonical_id
    WHERE a.id <> g.canonical_id
    """,
    """
    CREATE VIEW coverage_by_day AS
    -- Pieces of news and articles per topic and day (WIB).
    SELECT date(a.published_at, '+7 hours') AS day_wib, t.topic, count(DISTINCT a.group_id) AS news,
        count(*) AS articles, count(DISTINCT a.source_id) AS sources
    FROM articles AS a JOIN article_topics AS t ON t.article_id = a.id GROUP BY day_wib, t.topic
    """,
    """
    CREATE VIEW coverage_by_city AS
    -- Pieces of news that happened in each city.
    SELECT r.slug AS city, r.name, r.province, r.komwil, count(DISTINCT a.group_id) AS news, count(*) AS articles
    FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code JOIN articles AS a ON a.id = ar.article_id
    WHERE ar.role = 'event' AND r.kind = 'city' GROUP BY r.code
    """,
    """
    CREATE VIEW source_health AS
    -- How each channel is doing.
    SELECT c.source_id, c.kind, c.url, c.enabled, c.failures, c.last_success_at, p.outcome AS last_outcome,
        p.http_status AS last_status, p.reason AS last_reason, p.started_at AS last_poll_at,
        (SELECT count(*) FROM articles AS a WHERE a.source_id = c.source_id) AS articles_of_source
    FROM channels AS c
    LEFT JOIN polls AS p ON p.id = (SELECT max(id) FROM polls WHERE channel_id = c.id)
    """,
)


@MIGRATIONS()
def m001_tables_and_views(db: Database) -> None:
    for statement in _TABLES + _VIEWS:
        db.execute(dedent(statement).strip())


@MIGRATIONS()
def m002_bylines(db: Database) -> None:
    db.execute(
        "ALTER TABLE articles ADD COLUMN byline TEXT /* as written, also where a desk signs */ NOT NULL DEFAULT ''"
    )


_NEWS_VIEW = """
    CREATE VIEW news AS
    -- One row for each piece of news (duplicate group), shown through its canonical article.
    SELECT g.id AS group_id, g.guid, a.id AS article_id, a.title, a.url, s.name AS source, a.published_at,
        datetime(a.published_at, '+7 hours') AS published_wib, g.first_published_at,
        (SELECT count(*) FROM articles AS m WHERE m.group_id = g.id) AS copies,
        (SELECT group_concat(topic, ', ') FROM article_topics AS t WHERE t.article_id = a.id) AS topics,
        (SELECT group_concat(r.name, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
            WHERE ar.article_id = a.id AND ar.role = 'event') AS regions
    FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id JOIN sources AS s ON s.id = a.source_id
    WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL
"""
_REGIONS_TABLE = """
    CREATE TABLE article_regions (
        -- Where the news happened (event), who takes part, and which other places it names (mention).
        article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        code TEXT NOT NULL REFERENCES regions (code),
        role TEXT NOT NULL CHECK (role IN ('event', 'participant', 'mention')),
        score REAL NOT NULL,
        evidence TEXT NOT NULL, -- JSON
        PRIMARY KEY (code, article_id)
    ) STRICT, WITHOUT ROWID
"""
_CLASSIFICATION_TABLES = (
    """
    CREATE TABLE scans (
        -- How the scan for topics did, by day (UTC) of reading: what it spared, and what a sample says that it missed.
        day TEXT PRIMARY KEY,
        skipped INTEGER NOT NULL DEFAULT 0, -- pages in which the scan found no topic, not extracted
        checked INTEGER NOT NULL DEFAULT 0, -- extracted all the same: one in a hundred, and a new source's first
        missed INTEGER NOT NULL DEFAULT 0 -- of `checked`, on topic after all
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE probes (
        -- Probes of sources that the service made by itself.
        id INTEGER PRIMARY KEY,
        source_id TEXT NOT NULL REFERENCES sources (id),
        probed_at TEXT NOT NULL,
        succeeded INTEGER NOT NULL,
        problem TEXT NOT NULL, -- in plain words; '' when it succeeded
        report TEXT NOT NULL -- JSON: what `sources probe --json` prints
    ) STRICT
    """,
    "CREATE INDEX probes_of_source ON probes (source_id, probed_at)",
    """
    CREATE VIEW hijacked_sources AS
    -- Sources on whose pages gambling spam was found; such pages are in rejected_pages and in no feed.
    SELECT s.id AS source_id, s.name, s.domain, s.hijacked_at,
        (SELECT count(*) FROM rejected_pages AS r WHERE r.source_id = s.id AND r.verdict = 'spam') AS pages
    FROM sources AS s WHERE s.hijacked_at IS NOT NULL
    """,
)


@MIGRATIONS()
def m003_classification(db: Database) -> None:
    """Participants, withdrawn items, quarantine that can be judged anew, probes."""
    for statement in (
        "ALTER TABLE sources ADD COLUMN evidence TEXT /* that its channels answer */ NOT NULL DEFAULT 'given'",
        "ALTER TABLE sources ADD COLUMN discovered_by TEXT /* the search engine that led to it; NULL: the catalogue */",
        "ALTER TABLE sources ADD COLUMN hijacked_at TEXT /* when gambling spam was last found on a page of it */",
        "ALTER TABLE duplicate_groups ADD COLUMN withdrawn_at TEXT /* left the feeds in a replay; its guid stays */",
        "ALTER TABLE rejected_pages ADD COLUMN article TEXT /* JSON: its row of articles */ NOT NULL DEFAULT '{}'",
        "DROP VIEW news",
        "DROP VIEW coverage_by_city",
        "ALTER TABLE article_regions RENAME TO old_article_regions",
        "DROP INDEX regions_of_article",
        _REGIONS_TABLE,
        "INSERT INTO article_regions SELECT article_id, code, role, score, evidence FROM old_article_regions",
        "DROP TABLE old_article_regions",
        "CREATE INDEX regions_of_article ON article_regions (article_id)",
        _NEWS_VIEW,
        next(view for view in _VIEWS if "CREATE VIEW coverage_by_city" in view),
        *_CLASSIFICATION_TABLES,
    ):
        db.execute(dedent(statement).strip())


_DUPLICATE_TABLES = (
    """
    CREATE TABLE sketches (
        -- What each article is looked up by, when others are held against it.
        article_id INTEGER PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
        text_hash BLOB NOT NULL, -- of all its words: the very same text is found for ever
        hashes BLOB NOT NULL -- its postings, six bytes each; empty: copies stand for it, or it is too old
    ) STRICT
    """,
    "CREATE INDEX sketches_by_text ON sketches (text_hash)",
    """
    CREATE TABLE postings (
        -- Sampled shingles of each article: two that share a few are compared. Emptied through `sketches`.
        hash INTEGER NOT NULL,
        article_id INTEGER NOT NULL,
        PRIMARY KEY (hash, article_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE duplicate_edges (
        -- Every decision on two articles that are at all alike: whether they carry the same text, and by which rule.
        a INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE, -- the newer of the two, mostly
        b INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        accepted INTEGER NOT NULL, -- 1: the same text
        rule TEXT NOT NULL, -- of aggregator.dedup: exact, containment …; where not accepted, what told them apart
        score REAL NOT NULL, -- containment: 3-word shingles in common, as a share of the shorter text's
        alignment REAL NOT NULL, -- share of the shorter text in the longest common subsequence; 0: not needed
        of_a REAL NOT NULL, -- share of a's shingles that b has, too
        of_b REAL NOT NULL, -- share of b's shingles that a has, too
        decided_at TEXT NOT NULL,
        PRIMARY KEY (a, b)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX edges_of_b ON duplicate_edges (b)",
    """
    CREATE TABLE regroupings (
        -- Articles that a later look put into another group, by evidence that came late.
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        from_group INTEGER,
        to_group INTEGER,
        why TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE article_revisions (
        -- What an article said before its portal changed it; what it says now is in articles.
        id INTEGER PRIMARY KEY,
        article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        replaced_at TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        difference TEXT NOT NULL -- JSON: title (before, after) where it changed; paragraphs removed, added
    ) STRICT
    """,
    "CREATE INDEX revisions_of_article ON article_revisions (article_id, replaced_at)",
)
_STORY_TABLES = (
    """
    CREATE TABLE jobs (
        -- Jobs of the timetable that were done, other than cycles and probes.
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL, -- tend: the nightly look back at duplicates and stories
        done_at TEXT NOT NULL,
        summary TEXT NOT NULL -- JSON
    ) STRICT
    """,
    "CREATE INDEX jobs_by_name ON jobs (name, done_at)",
    """
    CREATE TABLE stories (
        -- News on one event, in different words. A group without company is a story, too.
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL, -- of its most central news
        first_seen_at TEXT NOT NULL, -- publication of its first article
        last_seen_at TEXT NOT NULL,
        why TEXT NOT NULL, -- JSON array: the rarest words that most of its news share
        updated_at TEXT NOT NULL,
        merged_into INTEGER REFERENCES stories (id) -- not NULL: it leads there
    ) STRICT
    """,
    "CREATE INDEX stories_by_date ON stories (last_seen_at) WHERE merged_into IS NULL",
    """
    CREATE TABLE story_terms (
        -- The words, names and days of a group's canonical article.
        group_id INTEGER PRIMARY KEY REFERENCES duplicate_groups (id) ON DELETE CASCADE,
        article_id INTEGER NOT NULL,
        version TEXT NOT NULL, -- of the article: when it was first seen, or last revised
        terms TEXT NOT NULL -- JSON: term, how often
    ) STRICT
    """,
    """
    CREATE TABLE story_likeness (
        -- How alike the words of two groups are, time and place considered; the earlier one first.
        a INTEGER NOT NULL,
        b INTEGER NOT NULL,
        likeness REAL NOT NULL,
        PRIMARY KEY (a, b)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX likeness_of_b ON story_likeness (b)",
)
_STORY_VIEWS = (
    _NEWS_VIEW.replace("g.guid, a.id", "g.guid, g.story_id, a.id"),
    """
    CREATE VIEW story_overview AS
    -- One row for each story, however many pieces of news it holds.
    SELECT s.id AS story_id, s.title, s.first_seen_at, s.last_seen_at, count(DISTINCT g.id) AS news,
        count(*) AS articles, count(DISTINCT a.source_id) AS sources,
        (SELECT group_concat(DISTINCT r.name) FROM duplicate_groups AS h
            JOIN article_regions AS ar ON ar.article_id = h.canonical_id AND ar.role = 'event'
            JOIN regions AS r ON r.code = ar.code AND r.kind = 'city' WHERE h.story_id = s.id) AS cities, s.why
    FROM stories AS s JOIN duplicate_groups AS g ON g.story_id = s.id JOIN articles AS a ON a.group_id = g.id
    WHERE s.merged_into IS NULL AND g.merged_into IS NULL AND g.withdrawn_at IS NULL
    GROUP BY s.id
    """,
)
# By when an article was surely out, as in the choice of the canonical one: a day without an hour counts as its end.
_OUT_BY = """CASE {0}.published_precision WHEN 'none' THEN '9999'
            WHEN 'day' THEN strftime('%Y-%m-%dT%H:%M:%SZ', {0}.published_at, '+1 day', '-1 second')
            ELSE {0}.published_at END"""
_PROVENANCE_VIEWS = (
    f"""
    CREATE VIEW provenance AS
    -- Each copy beside the article that it most likely copies: of those that were out before it (the canonical one was
    -- out before all), the one that leaves least of it unexplained; then the one most like it; then the first.
    WITH alike AS (
        SELECT a AS copy_id, b AS original_id, rule, score, of_b AS kept, 1 - of_a AS added
        FROM duplicate_edges WHERE accepted
        UNION ALL
        SELECT b, a, rule, score, of_a, 1 - of_b FROM duplicate_edges WHERE accepted
    ), ranked AS (
        SELECT alike.*, row_number() OVER (
            PARTITION BY copy_id
            ORDER BY round(added, 2), score DESC, o.id <> g.canonical_id, {_OUT_BY.format("o")}, o.id
        ) AS place
        FROM alike CROSS JOIN articles AS c ON c.id = alike.copy_id CROSS JOIN articles AS o ON o.id = alike.original_id
        CROSS JOIN duplicate_groups AS g ON g.id = c.group_id
        WHERE c.group_id = o.group_id AND c.id <> g.canonical_id
            AND (o.id = g.canonical_id OR ({_OUT_BY.format("o")}, o.id) < ({_OUT_BY.format("c")}, c.id))
    )
    SELECT f.copy_id AS article_id, c.group_id, c.source_id, c.title, c.url, c.published_at,
        o.id AS original_id, o.source_id AS original_source_id, o.title AS original_title, o.url AS original_url,
        -- by the times on the pages; below 0 only where the order is not sure
        CAST(round((julianday(c.published_at) - julianday(o.published_at)) * 1440) AS INTEGER) AS minutes_later,
        c.published_precision NOT IN ('day', 'none') AND o.published_precision NOT IN ('day', 'none') AS is_order_sure,
        lower(c.title) = lower(o.title) AS has_its_title, f.rule, f.score,
        round(f.kept, 3) AS kept, -- share of the original's shingles that the copy has
        round(f.added, 3) AS added -- share of the copy's shingles that the original does not have
    FROM ranked AS f CROSS JOIN articles AS c ON c.id = f.copy_id CROSS JOIN articles AS o ON o.id = f.original_id
    WHERE f.place = 1
    """,  # noqa: S608 - our own words
    """
    CREATE VIEW pickups AS
    -- What a city government published, beside each outlet that carries its text. minutes_later below 0: the outlet had
    -- it before the government's own site, as where a release goes out by message first.
    SELECT r.group_id, r.id AS release_id, r.source_id AS government_id, s.city, r.title AS release_title,
        r.published_at AS released_at, o.id AS article_id, o.source_id AS outlet_id, t.name AS outlet, o.title, o.url,
        CAST(round((julianday(o.published_at) - julianday(r.published_at)) * 1440) AS INTEGER) AS minutes_later
    FROM articles AS r JOIN sources AS s ON s.id = r.source_id AND s.kind = 'city-government'
    JOIN articles AS o ON o.group_id = r.group_id AND o.source_id <> r.source_id JOIN sources AS t ON t.id = o.source_id
    """,
)


@MIGRATIONS()
def m004_stories(db: Database) -> None:
    """Stories, provenance, revisions; all decisions on duplicates; postings of half the size."""
    for statement in (
        "ALTER TABLE articles ADD COLUMN gone_at TEXT /* when its portal was found to have deleted it (404, 410) */",
        "ALTER TABLE articles ADD COLUMN checked_at TEXT /* when its page was last asked for again */",
        "ALTER TABLE duplicate_groups ADD COLUMN first_canonical_id INTEGER /* the article first published with it */",
        "ALTER TABLE duplicate_groups ADD COLUMN story_id INTEGER /* of stories */",
        "ALTER TABLE duplicate_groups ADD COLUMN is_told INTEGER /* 1: stories know it as it is */ NOT NULL DEFAULT 0",
        "CREATE INDEX articles_by_sighting ON articles (first_seen_at)",
        "CREATE INDEX articles_of_source_by_sighting ON articles (source_id, first_seen_at)",
        "CREATE INDEX groups_of_story ON duplicate_groups (story_id)",
        "CREATE INDEX groups_untold ON duplicate_groups (id) WHERE NOT is_told",
        "CREATE INDEX groups_merged ON duplicate_groups (merged_into) WHERE merged_into IS NOT NULL",
        """
        UPDATE duplicate_groups SET first_canonical_id = coalesce(
            (SELECT a.id FROM articles AS a WHERE guid = 'tag:kabarkota,2026:' || a.url_key), canonical_id)
        WHERE guid IS NOT NULL
        """,
        "ALTER TABLE duplicate_edges RENAME TO old_edges",
        "DROP INDEX edges_of_b",
        "DROP TABLE postings",
        *_DUPLICATE_TABLES,
        "INSERT INTO duplicate_edges SELECT a, b, 1, rule, score, alignment, score, score, decided_at FROM old_edges",
        "DROP TABLE old_edges",
        *_STORY_TABLES,
        "DROP VIEW news",
        *_STORY_VIEWS,
    ):
        db.execute(dedent(statement).strip())


@MIGRATIONS()
def m005_provenance(db: Database) -> None:
    """Provenance in the order in which canonical articles are chosen."""
    for statement in (
        "DROP VIEW IF EXISTS provenance",
        "DROP VIEW IF EXISTS pickups",
        *_PROVENANCE_VIEWS,
    ):
        db.execute(dedent(statement).strip())


@MIGRATIONS()
def m006_polling(db: Database) -> None:
    """How often each channel posts, and how much its failures say against it."""
    for statement in (
        "ALTER TABLE channels ADD COLUMN rhythm TEXT NOT NULL DEFAULT '' /* JSON, of aggregator.polling.Rhythm */",
        "ALTER TABLE channels ADD COLUMN strikes REAL NOT NULL DEFAULT 0 /* failures in a row, weighed */",
        "ALTER TABLE polls ADD COLUMN posts INTEGER NOT NULL DEFAULT 0 /* entries that were never seen before */",
    ):
        db.execute(statement)


_OPERATION_TABLES = (
    """
    CREATE TABLE catalogue_state (
        -- Which catalogue `sources` and `channels` were written from.
        id INTEGER PRIMARY KEY CHECK (id = 1),
        stamp TEXT NOT NULL -- a hash of its files
    ) STRICT
    """,
    """
    CREATE TABLE host_days (
        -- What each host was asked on each day: its budget, and when it may be asked again. Pruned.
        host TEXT NOT NULL, -- name:port
        day TEXT NOT NULL, -- UTC
        requests INTEGER NOT NULL, -- with redirects and robots.txt
        bytes INTEGER NOT NULL, -- received
        free_at TEXT NOT NULL, -- not before then: its Crawl-delay or Retry-After, else our own delay
        PRIMARY KEY (day, host)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX host_days_held ON host_days (free_at)",
    """
    CREATE TABLE source_days (
        -- What each source gave on each day, kept for ever: by it a chart is divided, and its health is judged.
        source_id TEXT NOT NULL REFERENCES sources (id),
        day_wib TEXT NOT NULL, -- Asia/Jakarta
        polls INTEGER NOT NULL DEFAULT 0,
        answered INTEGER NOT NULL DEFAULT 0, -- of the polls
        requests INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        posts INTEGER NOT NULL DEFAULT 0, -- entries of its channels that were never seen before
        articles INTEGER NOT NULL DEFAULT 0, -- of them new and kept
        pages INTEGER NOT NULL DEFAULT 0, -- extracted, on topic or not; of these
        bodied INTEGER NOT NULL DEFAULT 0, -- gave a text,
        dated INTEGER NOT NULL DEFAULT 0, -- a date,
        authored INTEGER NOT NULL DEFAULT 0, -- an author
        PRIMARY KEY (source_id, day_wib)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE alarms (
        -- What is wrong with a source, from when to when. The words to a code: `kabarkota status`.
        id INTEGER PRIMARY KEY,
        source_id TEXT NOT NULL REFERENCES sources (id),
        code TEXT NOT NULL, -- dns, challenge, layout-changed, dates-missing, quiet, hijacked …
        since TEXT NOT NULL,
        until TEXT, -- NULL: still so
        detail TEXT NOT NULL -- the figures or the crawler's own words
    ) STRICT
    """,
    "CREATE UNIQUE INDEX alarms_open ON alarms (source_id, code) WHERE until IS NULL",
    """
    CREATE VIEW source_health AS
    -- How each channel is doing.
    SELECT c.source_id, c.kind, c.url, c.enabled, c.failures, c.last_success_at, p.outcome AS last_outcome,
        p.http_status AS last_status, p.code AS last_code, p.reason AS last_reason, p.started_at AS last_poll_at,
        c.next_poll_at, c.retired_at, c.stand_in IS NOT NULL AS is_stand_in,
        (SELECT count(*) FROM articles AS a WHERE a.source_id = c.source_id) AS articles_of_source
    FROM channels AS c LEFT JOIN polls AS p
        ON p.id = (SELECT id FROM polls WHERE channel_id = c.id ORDER BY started_at DESC, id DESC LIMIT 1)
    """,
    """
    CREATE VIEW polls_by_day AS
    -- How many sources were asked and answered on each day (WIB): what a chart of coverage is divided by.
    SELECT day_wib, count(*) AS sources_polled, sum(answered > 0) AS sources_working, sum(polls) AS polls,
        sum(answered) AS answered, sum(requests) AS requests, sum(bytes) AS bytes, sum(posts) AS posts,
        sum(articles) AS articles
    FROM source_days WHERE polls > 0 GROUP BY day_wib
    """,
    """
    CREATE VIEW field_coverage AS
    -- Of the pages of each source that were extracted in a month (WIB): the shares with a text, a date, an author.
    SELECT source_id, substr(day_wib, 1, 7) AS month, sum(pages) AS pages,
        round(1.0 * sum(bodied) / sum(pages), 3) AS bodies, round(1.0 * sum(dated) / sum(pages), 3) AS dates,
        round(1.0 * sum(authored) / sum(pages), 3) AS authors
    FROM source_days GROUP BY source_id, month HAVING sum(pages) > 0
    """,
)


@MIGRATIONS()
def m007_operation(db: Database) -> None:
    """What hosts were asked and sources gave by day, alarms, retired channels and stand-ins, limits on quoting."""
    for statement in (
        "ALTER TABLE polls ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0 /* received */",
        "ALTER TABLE polls ADD COLUMN code TEXT NOT NULL DEFAULT '' /* the reason in one word: dns, tls, missing … */",
        "ALTER TABLE channels ADD COLUMN definition TEXT NOT NULL DEFAULT '' /* JSON: all that the catalogue says */",
        "ALTER TABLE channels ADD COLUMN validator_parts TEXT NOT NULL DEFAULT '' /* JSON: Validators.parts */",
        "ALTER TABLE channels ADD COLUMN retired_at TEXT /* gone for good, it seems: asked once a month */",
        "ALTER TABLE channels ADD COLUMN stand_in TEXT /* JSON of a Channel found in place of dead ones */",
        "ALTER TABLE articles ADD COLUMN snippet_limit INTEGER /* characters that it lets be quoted; NULL: any */",
        "ALTER TABLE links ADD COLUMN retry_at TEXT /* while pending after a failure: not tried before then */",
        "ALTER TABLE sources ADD COLUMN host TEXT NOT NULL DEFAULT '' /* of its domain: no port, no www. */",
        "ALTER TABLE sources ADD COLUMN definition TEXT NOT NULL DEFAULT '' /* JSON: all that the catalogue says */",
        "CREATE INDEX sources_by_host ON sources (host)",
        "DROP VIEW source_health",
        *_OPERATION_TABLES,
    ):
        db.execute(dedent(statement).strip())


_BACKFILL_TABLES = (
    """
    CREATE TABLE backfills (
        -- A request for what a source published since a day: `kabarkota backfill`. Asked again, it goes on.
        id INTEGER PRIMARY KEY,
        source_id TEXT NOT NULL REFERENCES sources (id),
        since TEXT NOT NULL, -- a day at the source
        until TEXT, -- a day, included; NULL: until it was asked
        started_at TEXT NOT NULL,
        finished_at TEXT, -- NULL: there is more
        free_at TEXT, -- the portal wants to be left alone until then
        requests INTEGER NOT NULL DEFAULT 0, -- in all
        pages_read INTEGER NOT NULL DEFAULT 0, -- pages of articles, and full texts
        kept INTEGER NOT NULL DEFAULT 0, -- of them, new articles on topic
        outside INTEGER NOT NULL DEFAULT 0, -- of them, older or younger than was asked for
        failed INTEGER NOT NULL DEFAULT 0 -- pages given up
    ) STRICT
    """,
    "CREATE INDEX backfills_of_source ON backfills (source_id, since)",
    """
    CREATE TABLE backfill_steps (
        -- A way into a source's archive, gone page by page; with each page its position moves on.
        id INTEGER PRIMARY KEY,
        backfill_id INTEGER NOT NULL REFERENCES backfills (id),
        place INTEGER NOT NULL, -- the order, cheap ways first
        way TEXT NOT NULL, -- aggregator.archives.Way
        term TEXT NOT NULL, -- what is searched for
        url TEXT NOT NULL, -- the site's root, or the sitemap's or listing's address
        state TEXT NOT NULL, -- waiting, done, partial, failed, spared
        reason TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0, -- failures in a row
        links INTEGER NOT NULL DEFAULT 0, -- articles met
        wanted INTEGER NOT NULL DEFAULT 0, -- of them, neither known nor too old
        position TEXT NOT NULL -- JSON, of aggregator.archives.Position
    ) STRICT
    """,
    "CREATE INDEX steps_of_backfill ON backfill_steps (backfill_id, place)",
    """
    CREATE TABLE backfill_links (
        -- An article that a backfill has seen in the archive and not read yet.
        id INTEGER PRIMARY KEY,
        backfill_id INTEGER NOT NULL REFERENCES backfills (id),
        key TEXT NOT NULL, -- as in links
        link TEXT NOT NULL, -- JSON of what the archive said
        has_page INTEGER NOT NULL, -- 0: its full text is here, no page need be asked for
        attempts INTEGER NOT NULL DEFAULT 0,
        tried_at TEXT, -- when it last failed
        UNIQUE (backfill_id, key)
    ) STRICT
    """,
    "CREATE INDEX links_of_backfill ON backfill_links (backfill_id, has_page, id)",
)


@MIGRATIONS()
def m008_backfills(db: Database) -> None:
    """Archives read back, page by page; what came so goes to the archives."""
    for statement in (
        "ALTER TABLE articles ADD COLUMN backfilled INTEGER NOT NULL DEFAULT 0 /* 1: by a backfill, not a poll */",
        *_BACKFILL_TABLES,
    ):
        db.execute(dedent(statement).strip())


_PUBLISHING_TABLES = (
    """
    CREATE TABLE feeds (
        -- The feeds that are published as files; searches are answered when they are asked for.
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE, -- all, topic/apeksi, city/kota-gorontalo: in its addresses, /feeds/<name>.xml
        title TEXT NOT NULL, -- what it is about, by its name: Kota Gorontalo; '' for topics, kinds and all
        began_at TEXT NOT NULL, -- when it was first there
        items INTEGER NOT NULL DEFAULT 0, -- in all, archives included
        shown INTEGER NOT NULL DEFAULT 0, -- in its document as last written
        shown_from INTEGER NOT NULL DEFAULT 0, -- place of the oldest of them
        is_due INTEGER NOT NULL DEFAULT 1 -- 1: its document is to be written
    ) STRICT
    """,
    "CREATE INDEX feeds_due ON feeds (id) WHERE is_due",
    """
    CREATE TABLE feed_items (
        -- Which pieces of news are in which feed, in its order.
        feed_id INTEGER NOT NULL,
        archived INTEGER NOT NULL, -- as in duplicate_groups: in the archives alone
        place INTEGER NOT NULL, -- first_published_at in microseconds since 1970
        group_id INTEGER NOT NULL,
        article_id INTEGER NOT NULL, -- its canonical article, in which searches look for words
        PRIMARY KEY (feed_id, archived, place, group_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX feed_items_of_group ON feed_items (group_id)",
    "CREATE INDEX feed_items_of_article ON feed_items (article_id, feed_id)",
    """
    CREATE TABLE archive_pages (
        -- The documents of each feed's archive (RFC 5005, section 4). What one holds does not change; a short one
        -- at the end may be superseded by a longer one at another address.
        feed_id INTEGER NOT NULL,
        number INTEGER NOT NULL, -- 1: the oldest
        label TEXT NOT NULL, -- in its address: the number, and while it is short "-" and until_place in hexadecimal
        after_place INTEGER NOT NULL, -- holds the items after this place …
        until_place INTEGER NOT NULL, -- … up to this one
        superseded_at TEXT, -- by a longer one; kept for a day, for readers that were told of it
        is_due INTEGER NOT NULL DEFAULT 1, -- 1: its files are to be written
        PRIMARY KEY (feed_id, number, label)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX archive_pages_due ON archive_pages (feed_id) WHERE is_due",
    """
    CREATE TABLE changed_groups (
        -- Groups that changed since feeds were last told; filled by triggers, so that nothing that writes forgets it.
        group_id INTEGER PRIMARY KEY
    ) STRICT
    """,
    """
    CREATE TABLE publishing_state (
        -- What the files in public/ were made with: code and settings. They are all written anew when it changes.
        id INTEGER PRIMARY KEY CHECK (id = 1),
        stamp TEXT NOT NULL,
        mark TEXT NOT NULL -- as in public/.published: where the two differ, one of them comes from a backup
    ) STRICT
    """,
    """
    CREATE TABLE takedowns (
        -- Articles that were taken down, as takedowns.jsonl in the data folder says: they stay out when read again.
        key TEXT PRIMARY KEY, -- as in links
        url TEXT NOT NULL,
        source_id TEXT, -- NULL: no such article was here
        text_hash BLOB, -- of its text, as in sketches: the same text of the same source stays out at any address
        reason TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        done_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE pings (
        -- WebSub: which hub has still to be told of which changed feed.
        hub TEXT NOT NULL,
        url TEXT NOT NULL, -- of the feed
        changed_at TEXT NOT NULL, -- last change
        attempts INTEGER NOT NULL DEFAULT 0, -- failed since then
        due_at TEXT NOT NULL, -- not before then
        reason TEXT NOT NULL DEFAULT '', -- why the last attempt failed
        PRIMARY KEY (hub, url)
    ) STRICT, WITHOUT ROWID
    """,
)
# Whatever an item shows: its articles, their topics and places, the names and permissions of their sources.
_SHOWN_OF_ARTICLE = (
    "group_id, title, url, text, summary, author, published_at, published_offset, published_precision, language,"
    " snippet_limit, tags, source_id, backfilled"
)
_SHOWN_OF_GROUP = "canonical_id, merged_into, withdrawn_at, guid, updated_at"
# Not OR IGNORE: within a trigger SQLite goes by the statement that fired it.
_MARK = "INSERT INTO changed_groups"
_ONCE = "ON CONFLICT DO NOTHING"
_PUBLISHING_TRIGGERS = (
    f"""
    CREATE TRIGGER shown_article_changes AFTER UPDATE OF {_SHOWN_OF_ARTICLE} ON articles BEGIN
        {_MARK} SELECT new.group_id WHERE new.group_id IS NOT NULL {_ONCE};
        {_MARK} SELECT old.group_id WHERE old.group_id IS NOT NULL AND old.group_id IS NOT new.group_id {_ONCE};
    END
    """,
    f"""
    CREATE TRIGGER shown_article_comes AFTER INSERT ON articles WHEN new.group_id IS NOT NULL BEGIN
        {_MARK} VALUES (new.group_id) {_ONCE};
    END
    """,  # noqa: S608 - our own words
    f"""
    CREATE TRIGGER shown_article_goes AFTER DELETE ON articles WHEN old.group_id IS NOT NULL BEGIN
        {_MARK} VALUES (old.group_id) {_ONCE};
    END
    """,
    f"""
    CREATE TRIGGER shown_group_changes AFTER UPDATE OF {_SHOWN_OF_GROUP} ON duplicate_groups BEGIN
        {_MARK} VALUES (new.id) {_ONCE};
    END
    """,
    f"""
    CREATE TRIGGER shown_group_goes AFTER DELETE ON duplicate_groups BEGIN
        {_MARK} VALUES (old.id) {_ONCE};
    END
    """,
    *(
        f"""
    CREATE TRIGGER shown_{table}_{event} AFTER {event} ON {table} BEGIN
        {_MARK} SELECT group_id FROM articles WHERE id = {row}.article_id AND group_id IS NOT NULL {_ONCE};
    END
    """  # noqa: S608 - our own words
        for table in ("article_topics", "article_regions")
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    *(
        f"""
    CREATE TRIGGER shown_channels_{event} AFTER {event} ON channels WHEN {row}.kind = 'feed' BEGIN
        {_MARK} SELECT DISTINCT group_id FROM articles WHERE source_id = {row}.source_id AND group_id IS NOT NULL
        {_ONCE};
    END
    """  # noqa: S608 - our own words
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    f"""
    CREATE TRIGGER shown_source_changes AFTER UPDATE OF name, full_text, kind ON sources
    WHEN (old.name, old.full_text, old.kind) IS NOT (new.name, new.full_text, new.kind) BEGIN
        {_MARK} SELECT DISTINCT group_id FROM articles WHERE source_id = new.id AND group_id IS NOT NULL {_ONCE};
    END
    """,  # noqa: S608 - our own words
)


@MIGRATIONS()
def m009_publishing(db: Database) -> None:
    """Feeds by topic, place and source, their archives, what changed since they were written; takedowns; pings."""
    for statement in (
        *_PUBLISHING_TABLES,
        *_PUBLISHING_TRIGGERS,
        "CREATE INDEX groups_by_place ON duplicate_groups (first_published_at)",
        """
        CREATE INDEX groups_unpublished ON duplicate_groups (id)
        WHERE guid IS NULL AND merged_into IS NULL AND withdrawn_at IS NULL
        """,
        "INSERT INTO changed_groups SELECT id FROM duplicate_groups WHERE guid IS NOT NULL",
    ):
        db.execute(dedent(statement).strip())


_COVERAGE_TABLES = (
    """
    CREATE TABLE coverage_days (
        -- How much was published on each day (WIB), for every topic and place together: what charts and maps are drawn
        -- from. Rows with nothing are not there.
        day_wib TEXT NOT NULL,
        topic TEXT NOT NULL, -- '': any
        region TEXT NOT NULL, -- city/kota-gorontalo, province/gorontalo, komwil/6: where it happened; '': anywhere
        news INTEGER NOT NULL, -- duplicate groups whose canonical article is of that day
        articles INTEGER NOT NULL, -- copies included
        PRIMARY KEY (day_wib, topic, region)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX coverage_of_region ON coverage_days (region, topic, day_wib, news, articles)",
    """
    CREATE TABLE coverage_due (
        -- Days (WIB) on which something changed since they were last counted; filled by triggers.
        day_wib TEXT PRIMARY KEY
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE working_days (
        -- How many sources answered on each day (WIB): as in polls_by_day, counted once.
        day_wib TEXT PRIMARY KEY,
        sources INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
_DAY_OF = "date({}.published_at, '+7 hours')"
_DUE = "INSERT INTO coverage_due"
_COVERAGE_TRIGGERS = (
    f"""
    CREATE TRIGGER coverage_article_changes AFTER UPDATE OF published_at, group_id ON articles BEGIN
        {_DUE} VALUES ({_DAY_OF.format("old")}) {_ONCE};
        {_DUE} VALUES ({_DAY_OF.format("new")}) {_ONCE};
    END
    """,
    *(
        f"""
    CREATE TRIGGER coverage_article_{event.lower()} AFTER {event} ON articles WHEN {row}.group_id IS NOT NULL BEGIN
        {_DUE} VALUES ({_DAY_OF.format(row)}) {_ONCE};
    END
    """
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    *(
        f"""
    CREATE TRIGGER coverage_{table}_{event.lower()} AFTER {event} ON {table} BEGIN
        {_DUE} SELECT {_DAY_OF.format("a")} FROM articles AS a WHERE a.id = {row}.article_id {_ONCE};
    END
    """  # noqa: S608 - our own words
        for table in ("article_topics", "article_regions")
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    f"""
    CREATE TRIGGER coverage_group_changes AFTER UPDATE OF canonical_id, merged_into, withdrawn_at ON duplicate_groups
    BEGIN
        {_DUE} SELECT {_DAY_OF.format("a")} FROM articles AS a WHERE a.group_id = new.id {_ONCE};
        {_DUE} SELECT {_DAY_OF.format("a")} FROM articles AS a WHERE a.id IN (old.canonical_id, new.canonical_id)
        {_ONCE};
    END
    """,  # noqa: S608 - our own words
)


@MIGRATIONS()
def m010_coverage(db: Database) -> None:
    """Coverage by day, topic and place, counted once: pages are drawn from it."""
    for statement in (
        *_COVERAGE_TABLES,
        *_COVERAGE_TRIGGERS,
        f"INSERT INTO coverage_due SELECT DISTINCT {_DAY_OF.format('articles')} FROM articles WHERE group_id NOT NULL",  # noqa: S608
    ):
        db.execute(dedent(statement).strip())


_ALERT_TABLES = (
    """
    CREATE TABLE digest_runs (
        -- Each time a digest (kliping) was due, or was first seen in alerts.toml: what came in after `since` and up to
        -- `until` was told. The next one goes on at `until`.
        digest TEXT NOT NULL, -- its name in alerts.toml
        until TEXT NOT NULL, -- exact, as the places of feeds
        since TEXT NOT NULL,
        slot TEXT NOT NULL, -- the set hour that it was due at
        state TEXT NOT NULL CHECK (state IN ('begun', 'queued', 'nothing')), -- nothing: nothing was new
        PRIMARY KEY (digest, until)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE deliveries (
        -- What is told to whom: written before it is sent, settled after. Addresses and secrets are not in here.
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE, -- told to receivers, the same on each attempt
        kind TEXT NOT NULL CHECK (kind IN ('digest', 'news', 'spike', 'silence')),
        name TEXT NOT NULL, -- of the digest or alert in alerts.toml
        target TEXT NOT NULL, -- name in alerts.toml
        part TEXT NOT NULL, -- which of the target's recipients, as a hash; '': all
        key TEXT NOT NULL, -- what it tells: nothing is told twice to the same
        message TEXT NOT NULL, -- JSON: what it is made of; its words are set when it is sent
        created_at TEXT NOT NULL,
        due_at TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'trying', 'sent', 'nothing', 'failed', 'unknown')),
            -- nothing: all it had to tell is gone; unknown: it may have arrived, and is not sent again
        attempts INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0, -- messages of it that are through, where it takes several
        tried_at TEXT,
        sent_at TEXT,
        reason TEXT NOT NULL DEFAULT '', -- why the last attempt failed
        UNIQUE (kind, name, target, part, key)
    ) STRICT
    """,
    "CREATE INDEX deliveries_open ON deliveries (due_at) WHERE state IN ('waiting', 'trying')",
    "CREATE INDEX deliveries_by_age ON deliveries (created_at)",
    """
    CREATE TABLE alert_looks (
        -- How far each instant alert has looked.
        alert TEXT PRIMARY KEY, -- its name in alerts.toml
        place INTEGER NOT NULL, -- in feeds; what is newer was not looked at
        looked_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE alert_stories (
        -- Stories that an instant alert has told lately: what follows is told once an hour at most.
        alert TEXT NOT NULL,
        story_id INTEGER NOT NULL,
        told_at TEXT NOT NULL,
        waiting INTEGER NOT NULL DEFAULT 0, -- pieces of news that came since and were not told yet
        PRIMARY KEY (alert, story_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE alert_silences (
        -- Sources whose silence an alert has told of, and not yet its end.
        alert TEXT NOT NULL,
        source_id TEXT NOT NULL,
        told_at TEXT NOT NULL,
        PRIMARY KEY (alert, source_id)
    ) STRICT, WITHOUT ROWID
    """,
)


@MIGRATIONS()
def m011_alerts(db: Database) -> None:
    """Digests and alerts: what was told, what is to be sent, and how far each has looked."""
    for statement in _ALERT_TABLES:
        db.execute(dedent(statement).strip())


_ALERT_GROUPS = """
    CREATE TABLE alert_groups (
        -- Pieces of news that an instant alert has told lately: a story that one of them is in was told with it.
        alert TEXT NOT NULL,
        group_id INTEGER NOT NULL,
        told_at TEXT NOT NULL,
        PRIMARY KEY (alert, group_id)
    ) STRICT, WITHOUT ROWID
"""


@MIGRATIONS()
def m012_told_groups(db: Database) -> None:
    """Instant alerts remember pieces of news, too: the first of a story is told before it is one."""
    db.execute(dedent(_ALERT_GROUPS).strip())


_ANALYST_TABLES = (
    """
    CREATE TABLE schema_docs (
        -- What every table, view and column means; written by the program that made this schema.
        relation TEXT NOT NULL, -- name of the table or view
        place INTEGER NOT NULL, -- of the column in it, from 1; 0: the table or view itself
        name TEXT NOT NULL, -- of the column; '' for the table or view itself
        kind TEXT NOT NULL, -- view: the public interface; table: what is behind it; working: of no use to others
        type TEXT NOT NULL, -- of the column: TEXT, INTEGER, REAL, BLOB; '' where SQLite keeps none
        description TEXT NOT NULL,
        PRIMARY KEY (relation, place)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE labels (
        -- What values are called, in Indonesian and in English: topics, weekdays, months, outcomes, reasons …
        kind TEXT NOT NULL, -- topic, weekday, month, source-kind, outcome, role, precision, reason
        value TEXT NOT NULL, -- as it stands in the tables
        name_id TEXT NOT NULL, -- Indonesian
        name_en TEXT NOT NULL, -- English
        PRIMARY KEY (kind, value)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE database_info (
        -- What this file is: version of the views, by which version of the program; of a snapshot also what is in it.
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE discovery_days (
        -- As coverage_days, by the day (WIB) on which articles were found, not by the one on which they were published.
        day_wib TEXT NOT NULL,
        topic TEXT NOT NULL, -- '': any
        region TEXT NOT NULL, -- '': anywhere
        news INTEGER NOT NULL, -- duplicate groups whose canonical article was found on that day
        articles INTEGER NOT NULL, -- copies included
        backfilled INTEGER NOT NULL, -- of these articles, by a backfill
        PRIMARY KEY (region, topic, day_wib)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX discovery_by_day ON discovery_days (day_wib)",
    """
    CREATE TABLE source_coverage_days (
        -- How much each source published on each day (WIB). Rows with nothing are not there.
        day_wib TEXT NOT NULL,
        source_id TEXT NOT NULL,
        topic TEXT NOT NULL, -- '': any
        news INTEGER NOT NULL, -- duplicate groups whose canonical article is its own
        articles INTEGER NOT NULL, -- copies included
        backfilled INTEGER NOT NULL, -- of these articles, found by a backfill
        PRIMARY KEY (source_id, topic, day_wib)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX source_coverage_by_day ON source_coverage_days (day_wib)",
)
_SEEN_ON = "date({}.first_seen_at, '+7 hours')"
_COUNTED_ARTICLE_TRIGGERS = (
    f"""
    CREATE TRIGGER coverage_article_changes
    AFTER UPDATE OF published_at, first_seen_at, group_id, source_id, backfilled ON articles BEGIN
        {_DUE} VALUES ({_DAY_OF.format("old")}), ({_DAY_OF.format("new")}), ({_SEEN_ON.format("old")}),
            ({_SEEN_ON.format("new")}) {_ONCE};
    END
    """,
    *(
        f"""
    CREATE TRIGGER coverage_article_{event.lower()} AFTER {event} ON articles WHEN {row}.group_id IS NOT NULL BEGIN
        {_DUE} VALUES ({_DAY_OF.format(row)}), ({_SEEN_ON.format(row)}) {_ONCE};
    END
    """
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    *(
        f"""
    CREATE TRIGGER coverage_{table}_{event.lower()} AFTER {event} ON {table} BEGIN
        {_DUE} SELECT {_DAY_OF.format("a")} FROM articles AS a WHERE a.id = {row}.article_id {_ONCE};
        {_DUE} SELECT {_SEEN_ON.format("a")} FROM articles AS a WHERE a.id = {row}.article_id {_ONCE};
    END
    """  # noqa: S608 - our own words
        for table in ("article_topics", "article_regions")
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    f"""
    CREATE TRIGGER coverage_group_changes AFTER UPDATE OF canonical_id, merged_into, withdrawn_at ON duplicate_groups
    BEGIN
        {_DUE} SELECT {_DAY_OF.format("a")} FROM articles AS a
            WHERE a.group_id = new.id OR a.id IN (old.canonical_id, new.canonical_id) {_ONCE};
        {_DUE} SELECT {_SEEN_ON.format("a")} FROM articles AS a
            WHERE a.group_id = new.id OR a.id IN (old.canonical_id, new.canonical_id) {_ONCE};
    END
    """,  # noqa: S608 - our own words
)


@MIGRATIONS()
def m013_analysts(db: Database) -> None:
    """What analysts ask for: provenance of each field, days of discovery, names and descriptions in the file itself.

    The views are no part of it: `aggregator.schema` writes them whenever they are others than those in the file.
    """
    for statement in (
        "ALTER TABLE articles ADD COLUMN title_method TEXT /* which way its title was found */ NOT NULL DEFAULT ''",
        "ALTER TABLE articles ADD COLUMN author_method TEXT /* which way its author was found */ NOT NULL DEFAULT ''",
        "ALTER TABLE articles ADD COLUMN profile TEXT /* of its site or theme, that was used */ NOT NULL DEFAULT ''",
        "ALTER TABLE articles ADD COLUMN page_hash BLOB /* SHA-256 of the bytes it was read from; NULL: unknown */",
        "ALTER TABLE articles ADD COLUMN text_dropped_at TEXT /* when its full text was let go: an excerpt is left */",
        "ALTER TABLE article_topics ADD COLUMN table_version TEXT /* of the table of topics */ NOT NULL DEFAULT ''",
        "ALTER TABLE coverage_days ADD COLUMN backfilled INTEGER /* of these articles */ NOT NULL DEFAULT 0",
        "ALTER TABLE coverage_days ADD COLUMN sources INTEGER /* that carried any of it */ NOT NULL DEFAULT 0",
        "ALTER TABLE working_days ADD COLUMN polled INTEGER /* sources that were asked */ NOT NULL DEFAULT 0",
        "DELETE FROM working_days",  # the writer counts them anew
        *_ANALYST_TABLES,
        *(f"DROP TRIGGER {name}" for name in re.findall(r"CREATE TRIGGER (\w+)", "".join(_COVERAGE_TRIGGERS))),
        *_COUNTED_ARTICLE_TRIGGERS,
        *(
            f"{_DUE} SELECT DISTINCT {day.format('articles')} FROM articles WHERE group_id NOT NULL {_ONCE}"  # noqa: S608
            for day in (_DAY_OF, _SEEN_ON)
        ),
    ):
        db.execute(dedent(statement).strip())


_CHANGE_TABLES = (
    """
    CREATE TABLE article_changes (
        -- When each article last changed in what the API tells of it, in an order that a copy can follow. One that is
        -- in `articles` no more was deleted. What has not changed since this table came is not here.
        seq INTEGER PRIMARY KEY, -- microseconds since 1970, later than all before, whatever the clock
        article_id INTEGER NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE news_changes (
        -- The same of each piece of news that was ever published.
        seq INTEGER PRIMARY KEY, -- as in article_changes
        group_id INTEGER NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE change_history (
        -- Which life of the database its changes are of: after a backup came back it is another one.
        id INTEGER PRIMARY KEY CHECK (id = 1),
        mark TEXT NOT NULL, -- of this life
        began INTEGER NOT NULL -- as seq: what was before is not known
    ) STRICT
    """,
)
_TICK = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000"
_SEQ = f"max(coalesce((SELECT max(seq) FROM {{}}), 0) + 1, {_TICK})"  # noqa: S608 - our own words
_TOLD_OF_ARTICLE = (
    *("url", "title", "author", "source_id", "group_id", "published_at", "published_offset", "published_precision"),
    *("first_seen_at", "revised_at", "gone_at", "backfilled", "language", "image", "tags", "snippet_limit"),
)
_TOLD_OF_GROUP = (
    *("guid", "canonical_id", "first_published_at", "updated_at", "archived", "story_id"),
    *("merged_into", "withdrawn_at"),
)
_QUOTED = ("substr({}.text, 1, 600)", "substr({}.summary, 1, 600)")  # more than any excerpt is made of


def _list_told(row: str, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> str:
    return ", ".join([*(f"{row}.{column}" for column in columns), *(text.format(row) for text in texts)])


def _log_article(article: str) -> str:
    """SQL that notes that an article changed; `article` is its id."""
    seq = _SEQ.format("article_changes")
    return (
        f"INSERT INTO article_changes (seq, article_id) VALUES ({seq}, {article})"  # noqa: S608 - our own words
        " ON CONFLICT (article_id) DO UPDATE SET seq = excluded.seq;"
    )


def _log_news(group: str, condition: str = "true") -> str:
    """SQL that notes that a piece of news changed, if it was ever published; `group` is its id."""
    return (
        f"INSERT INTO news_changes (seq, group_id) SELECT {_SEQ.format('news_changes')}, g.id"  # noqa: S608 - our own
        f" FROM duplicate_groups AS g WHERE g.id = {group} AND g.guid IS NOT NULL AND {condition}"
        " ON CONFLICT (group_id) DO UPDATE SET seq = excluded.seq;"
    )


def _log_source(table: str, column: str, rows: str) -> str:
    """SQL that notes that all of a source changed; `rows` gives the ids."""
    return (
        f"INSERT INTO {table} (seq, {column}) SELECT {_SEQ.format(table)} + row_number() OVER (), {column}"  # noqa: S608
        f" FROM ({rows}) WHERE true ON CONFLICT ({column}) DO UPDATE SET seq = excluded.seq;"
    )


_ARTICLES_OF_SOURCE = "SELECT id AS article_id FROM articles WHERE source_id = new.id"
_NEWS_OF_SOURCE = """
    SELECT g.id AS group_id FROM articles AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE a.source_id = new.id AND g.canonical_id = a.id AND g.guid IS NOT NULL
"""
_CHANGE_TRIGGERS = (
    f"""
    CREATE TRIGGER change_of_article AFTER UPDATE OF {", ".join(_TOLD_OF_ARTICLE)}, text, summary ON articles
    WHEN ({_list_told("old", _TOLD_OF_ARTICLE, _QUOTED)}) IS NOT ({_list_told("new", _TOLD_OF_ARTICLE, _QUOTED)}) BEGIN
        {_log_article("new.id")}
        {_log_news("new.group_id")}
        {_log_news("old.group_id", "old.group_id IS NOT new.group_id")}
    END
    """,
    *(
        f"""
    CREATE TRIGGER change_by_{event.lower()}_of_article AFTER {event} ON articles BEGIN
        {_log_article(f"{row}.id")}
        {_log_news(f"{row}.group_id")}
    END
    """
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    *(
        f"""
    CREATE TRIGGER change_by_{event.lower()}_of_{table} AFTER {event} ON {table} BEGIN
        {_log_article(f"{row}.article_id")}
        {_log_news(f"(SELECT group_id FROM articles WHERE id = {row}.article_id)")}
    END
    """  # noqa: S608 - our own words
        for table in ("article_topics", "article_regions")
        for event, row in (("INSERT", "new"), ("DELETE", "old"))
    ),
    f"""
    CREATE TRIGGER change_of_group AFTER UPDATE OF {", ".join(_TOLD_OF_GROUP)} ON duplicate_groups
    WHEN ({_list_told("old", _TOLD_OF_GROUP)}) IS NOT ({_list_told("new", _TOLD_OF_GROUP)}) BEGIN
        {_log_news("new.id")}
    END
    """,
    f"""
    CREATE TRIGGER change_of_canonical AFTER UPDATE OF canonical_id ON duplicate_groups
    WHEN old.canonical_id IS NOT new.canonical_id BEGIN
        {_log_article("old.canonical_id")}
        {_log_article("new.canonical_id")}
    END
    """,
    f"""
    CREATE TRIGGER change_of_source AFTER UPDATE OF name, kind ON sources
    WHEN (old.name, old.kind) IS NOT (new.name, new.kind) BEGIN
        {_log_source("article_changes", "article_id", _ARTICLES_OF_SOURCE)}
        {_log_source("news_changes", "group_id", _NEWS_OF_SOURCE)}
    END
    """,
)


@MIGRATIONS()
def m014_changes(db: Database) -> None:
    """What changed, in an order that copies can follow: the API's changed_since. Nothing is read at first."""
    for statement in (
        *_CHANGE_TABLES,
        *_CHANGE_TRIGGERS,
        f"INSERT INTO change_history VALUES (1, lower(hex(randomblob(8))), {_TICK})",  # noqa: S608 - our own words
    ):
        db.execute(dedent(statement).strip())


# Each word of any but the first column costs two bytes more: with the texts first the index is a quarter smaller.
_SEARCH_INDEX = (
    "DROP TABLE articles_fts",
    """
    CREATE VIRTUAL TABLE articles_fts USING fts5 (
        text, title, content='articles', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )
    """,
    "INSERT INTO articles_fts (articles_fts) VALUES ('rebuild')",
)
_ASKED_BY = (
    # As the views say it, to the letter: what a question asks of published_day_wib is found by it.
    """
    CREATE INDEX articles_by_day ON articles
        (date(published_at, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes'))
    """,
    "CREATE INDEX articles_by_day_found ON articles (date(first_seen_at, '+7 hours'))",
    "CREATE INDEX source_days_by_day ON source_days (day_wib)",
    "CREATE INDEX revisions_by_date ON article_revisions (replaced_at)",
    "CREATE INDEX regions_by_slug ON regions (slug)",
    "CREATE INDEX sources_of_city ON sources (city)",
    "DROP INDEX regions_of_article",
    "CREATE INDEX regions_of_article ON article_regions (article_id, role)",  # with it no evidence is read in vain
)
_DAY_SUMS = {
    **dict.fromkeys(("polls", "answered", "requests", "bytes"), ""),
    "posts": "/* entries of channels that were never seen before */",
    "articles": "/* of them new and kept */",
}


@MIGRATIONS()
def m015_yardstick(db: Database) -> None:
    """What a million articles taught: a smaller index of words, indexes for what views are asked by, sums by day."""
    for statement in (
        *_SEARCH_INDEX,
        *_ASKED_BY,
        *(
            f"ALTER TABLE working_days ADD COLUMN {name} INTEGER {comment} NOT NULL DEFAULT 0"
            for name, comment in _DAY_SUMS.items()
        ),
        "DELETE FROM working_days",  # the writer counts them anew
    ):
        db.execute(dedent(statement).strip())


_PACK = """
    UPDATE {table} SET evidence = (
        SELECT json_group_array(json_array(json_extract(e.value, '$.term'), json_extract(e.value, '$.place'),
            json_extract(e.value, '$.offset'), json_extract(e.value, '$.weight'))) FROM json_each(evidence) AS e)
    WHERE evidence LIKE '[{{%'
"""


@MIGRATIONS()
def m016_evidence(db: Database) -> None:
    """Evidence without the names of its parts, which are half of it: [term, place, offset, weight] of every match."""
    for table in ("article_topics", "article_regions"):
        db.execute(dedent(_PACK.format(table=table)).strip())


_MASKED = {  # table → its key, less than any key, columns with portals' words
    "articles": ("id", -1, "title, text, summary, tags, published_raw, author, byline"),
    "article_revisions": ("id", -1, "title, text, difference"),
    "rejected_pages": ("key", "", "title, text, article"),
    "stories": ("id", -1, "title"),
}
_PIECE = 1_000  # rows that are read at once


@MIGRATIONS()
def m017_masked(db: Database) -> None:
    """Phone numbers, mail addresses and NIK in what was kept before they were masked; feeds that told them are due."""
    for table, (key, least, listed) in _MASKED.items():
        read = f"SELECT {key}, {listed} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {_PIECE}"  # noqa: S608
        last: Any = least
        while rows := db.execute(read, (last,)).fetchall():
            for row in rows:
                _write_masked(db, table, key, row[0], mask_columns(dict(zip(listed.split(", "), row[1:], strict=True))))
            last = rows[-1][0]


def _write_masked(db: Database, table: str, key: str, row_key: Any, changes: Mapping[str, str]) -> None:
    if changes:
        named = ", ".join(f"{name} = ?" for name in changes)
        db.execute(f"UPDATE {table} SET {named} WHERE {key} = ?", (*changes.values(), row_key))  # noqa: S608


@MIGRATIONS()
def m018_found_by(db: Database) -> None:
    """Who led to the articles of others: their own channels have not told of them yet, and are to be heard."""
    for statement in (
        """
        ALTER TABLE links ADD COLUMN found_by TEXT
            /* another source that led to it, while its publisher's own channels have not */ REFERENCES sources (id)
        """,
        """
        CREATE TABLE foreign_links (
            -- Addresses at other sites that a source's channels listed, and that were read.
            source_id TEXT NOT NULL REFERENCES sources (id),
            key TEXT NOT NULL, -- as in links
            read_at TEXT NOT NULL,
            PRIMARY KEY (source_id, key)
        ) STRICT, WITHOUT ROWID
        """,
        "DROP INDEX links_of_source",
        "CREATE INDEX links_of_source ON links (source_id, coalesce(read_at, first_seen_at))",
        "CREATE INDEX channels_answered ON channels (last_success_at) WHERE enabled",
    ):
        db.execute(dedent(statement).strip())


_QUARANTINES = """
    CREATE TABLE quarantines (
        -- Sources whose pages ended parsers or crawl processes of ours. Three of them, and it is left alone for a week.
        source_id TEXT PRIMARY KEY REFERENCES sources (id),
        kills INTEGER NOT NULL, -- processes that ended
        counted_from TEXT NOT NULL, -- when the first of them did
        last_kill_at TEXT NOT NULL,
        reason TEXT NOT NULL, -- of the last: an address, and how it went
        until TEXT -- it is not polled before then, and then with care; NULL: it was never that bad
    )
"""


@MIGRATIONS()
def m019_quarantines(db: Database) -> None:
    """Sources that end our processes are counted, and left alone."""
    db.execute(dedent(_QUARANTINES).strip())


@MIGRATIONS()
def m020_unseen(db: Database) -> None:
    """Since when at most an article can have been there: a date that it claims is no proof of who was first."""
    db.execute(
        dedent(
            """
            ALTER TABLE articles ADD COLUMN unseen_at TEXT
                /* when its source was last read without it; NULL: not known (its first poll, a backfill) */
            """
        ).strip()
    )


@MIGRATIONS()
def m021_copies_out(db: Database) -> None:
    """Takedowns of a text, whichever source has it."""
    db.execute(
        dedent(
            """
            ALTER TABLE takedowns ADD COLUMN copies INTEGER
                /* 1: the same text of any source stays out; 0: of the same source */ NOT NULL DEFAULT 0
            """
        ).strip()
    )


@MIGRATIONS()
def m022_discovered_at(db: Database) -> None:
    """When others led to a publisher, so that nobody leads to any number of them in a day."""
    for statement in (
        """
        ALTER TABLE sources ADD COLUMN discovered_at TEXT
            /* when discovered_by led to it; NULL: the catalogue, or before this was kept */
        """,
        "CREATE INDEX sources_discovered ON sources (discovered_by, discovered_at) WHERE discovered_by IS NOT NULL",
    ):
        db.execute(dedent(statement).strip())


_KEPT_BACK = (
    """
    ALTER TABLE feeds ADD COLUMN left_out_until INTEGER
        /* up to this place, its document leaves out news beyond its source's share of a crowded feed; 0: none */
        NOT NULL DEFAULT 0
    """,
    """
    ALTER TABLE takedowns ADD COLUMN sketch BLOB
        /* sampled hashes of its text, as in sketches: nearly the same text stays out, too; NULL: not known */
    """,
    """
    CREATE TABLE takedown_exceptions (
        -- Addresses that are let in whatever text they have, for it was asked so by `takedown --undo`.
        key TEXT PRIMARY KEY, -- as in links
        url TEXT NOT NULL,
        asked_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)


@MIGRATIONS()
def m023_kept_back(db: Database) -> None:
    """What feeds leave out of a flood of one source; what keeps texts out that are nearly those taken down."""
    for statement in _KEPT_BACK:
        db.execute(dedent(statement).strip())


@MIGRATIONS()
def m024_taken_harvests(db: Database) -> None:
    """What workers on other machines brought is taken in once."""
    for statement in (
        """
        CREATE TABLE taken_harvests (
            -- Harvests of workers on other machines that were taken in, so that none is twice; for a month.
            id TEXT PRIMARY KEY, -- as the queue names it
            taken_at TEXT NOT NULL -- UTC, by the cycle's clock
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX taken_harvests_by_age ON taken_harvests (taken_at)",
        """
        CREATE TABLE cluster_figures (
            -- What the queue to workers on other machines looked like when it was last looked at; empty without them.
            name TEXT PRIMARY KEY, -- as in /metrics, kabarkota_cluster_…
            value REAL NOT NULL,
            at TEXT NOT NULL -- UTC
        ) STRICT, WITHOUT ROWID
        """,
    ):
        db.execute(dedent(statement).strip())
