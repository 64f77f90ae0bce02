"""A copy beside the article that it was most likely taken from. A part of `Store`; reads only."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.store_base import StoreBase
from aggregator.story_page_rows import Published, read_story_date

_COPY = """
    SELECT g.canonical_id FROM articles AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE a.id = :id AND g.story_id = :story AND g.canonical_id <> a.id
        AND g.merged_into IS NULL AND g.withdrawn_at IS NULL
"""
_ORIGINAL = "SELECT p.original_id FROM provenance AS p WHERE p.article_id = {id}"
_TEXT = """
    SELECT a.id, a.title, a.url, iif(a.text_dropped_at IS NULL, substr(a.text, 1, :most), '') AS text,
        a.text_dropped_at IS NOT NULL AS is_dropped, a.language, a.snippet_limit, a.published_at,
        a.published_offset, a.published_precision, s.name AS source_name, s.kind = 'city-government' AS is_government
    FROM articles AS a CROSS JOIN sources AS s ON s.id = a.source_id WHERE a.id = :id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyText:
    """An article that is compared with another."""

    title: str
    url: str
    text: str  # its beginning; "" where there is none, or it was let go
    is_dropped: bool  # its full text is no longer kept
    language: str
    snippet_limit: int | None  # characters that its page lets be quoted; None: any
    source_name: str
    is_government: bool
    published: Published


class CopyRows(StoreBase):
    """Copies and their originals."""

    def get_copy(self, story_id: int, article_id: int, *, most: int) -> tuple[CopyText, CopyText] | None:
        """(what it was taken from, the copy), with `most` characters of each text; None: the story has no such copy.

        A copy that was held against none is told beside the article that is shown for both.
        """
        canonical = self._value(_COPY, id=article_id, story=story_id)
        if canonical is None:
            return None
        # SQLite looks into a view for what is written out.
        original = self._value(_ORIGINAL.format(id=int(article_id)))
        return self._get_text(original or canonical, most), self._get_text(article_id, most)

    def _get_text(self, article_id: int, most: int) -> CopyText:
        (row,) = self._rows(_TEXT, id=article_id, most=most)
        return CopyText(
            title=row["title"],
            url=row["url"],
            text=row["text"],
            is_dropped=bool(row["is_dropped"]),
            language=row["language"] or "id",
            snippet_limit=row["snippet_limit"],
            source_name=row["source_name"],
            is_government=bool(row["is_government"]),
            published=read_story_date(row),
        )
