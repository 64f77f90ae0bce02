"""The codes by which articles name where something happened. A part of `Store`; reads only."""

from __future__ import annotations

from aggregator.store_base import StoreBase

IN_PLACE = """
    EXISTS (SELECT * FROM article_regions AS ar
        WHERE ar.code IN (SELECT value FROM json_each(:{codes})) AND ar.article_id = a.id AND ar.role = 'event')
"""  # `a` is the article, `codes` the name of a JSON array
_CODES = """
    SELECT code FROM regions WHERE (:kind = 'city' AND kind = 'city' AND slug = :slug)
    OR (:kind = 'komwil' AND komwil = CAST(:slug AS INTEGER))
    OR (:kind = 'province' AND substr(code, 1, 2) = (SELECT code FROM regions WHERE kind = 'province' AND slug = :slug))
"""  # of a province's cities the codes begin with its own


class CodeRows(StoreBase):
    """Codes of places."""

    def list_codes(self, kind: str, slug: str) -> list[str]:
        """The codes of a city, or of all that is in a province or Komwil."""
        return [row["code"] for row in self._rows(_CODES, kind=kind, slug=slug)]
