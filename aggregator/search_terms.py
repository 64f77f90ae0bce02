"""The words of a search: read into terms, and written as an expression of SQLite's full-text search. PURE.

apeksi gorontalo     both words            apek*              begins so
"wali kota"          a phrase              -jakarta           is not there
judul:apeksi         in the title (title:)
isi:"kota cerdas"    in the text (text:)   with a phrase, a beginning and minus as well

Any other sign is no syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

WORDS_LIMIT = 300  # characters of `q`
TERMS_LIMIT = 20
COSTLY_LIMIT = 6  # phrases, beginnings, columns and unwanted words: twenty of them take a tenth of a second
PREFIX_LEAST = 3  # letters: a shorter beginning fits too many words to be looked up


class Column(StrEnum):
    """Where a word shall stand."""

    TITLE = "title"
    TEXT = "text"


COLUMNS = {"judul": Column.TITLE, "title": Column.TITLE, "isi": Column.TEXT, "text": Column.TEXT}

_COLUMN = f"(?:{'|'.join(COLUMNS)})"
_PLACE = rf"(?:(?P<column>{_COLUMN}):)?"
_TERM = re.compile(
    rf'(?P<minus>-?){_PLACE}(?P<late_minus>-?)(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))?(?P<prefix>\*?)', re.IGNORECASE
)
_PLAIN_WORD = rf'(?!{_COLUMN}:)\w[^\s*"]*'
_PLAIN_WORDS = re.compile(
    rf"(?P<before>-?{_PLACE}-?)(?P<words>{_PLAIN_WORD}(?:\s+{_PLAIN_WORD})+)(?P<after>\*?)", re.IGNORECASE
)
_WORD = re.compile(r"\w+")


class QueryError(ValueError):
    """A query that cannot be answered: what is wrong with which key. `publish.wording` has the words for it."""

    def __init__(self, key: str, problem: str, **values: object) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem
        self.values = values


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A word, or a phrase."""

    words: tuple[str, ...]  # as written; one or more
    is_beginning: bool = False  # whether the last word only begins so
    column: Column | None = None  # None: anywhere
    is_unwanted: bool = False

    @property
    def is_costly(self) -> bool:
        return self.is_unwanted or self.is_beginning or self.column is not None or len(self.words) > 1

    @property
    def match(self) -> str:
        """For FTS5: quoted, so that nothing in it is syntax."""
        place = f"{self.column} : " if self.column else ""
        return f'{place}"{" ".join(self.words)}"{"*" if self.is_beginning else ""}'


def read_terms(words: str) -> tuple[Term, ...]:
    """What the words of a search ask for; nothing of no words. Raises QueryError."""
    if len(words) > WORDS_LIMIT:
        raise QueryError("q", "long", most=WORDS_LIMIT)
    terms = tuple(_read_terms(unicodedata.normalize("NFKC", words)))  # composed and of usual width, as texts are
    if len(terms) > TERMS_LIMIT:
        raise QueryError("q", "many_words", most=TERMS_LIMIT)
    if sum(term.is_costly for term in terms) > COSTLY_LIMIT:
        raise QueryError("q", "costly", most=COSTLY_LIMIT)
    if terms and all(term.is_unwanted for term in terms):
        raise QueryError("q", "only_unwanted")
    if words and not terms:
        raise QueryError("q", "no_word")
    return terms


def write_match(terms: Iterable[Term]) -> str:
    """The terms as an expression of FTS5; "" for none."""
    terms = list(terms)
    wanted = " AND ".join(term.match for term in terms if not term.is_unwanted)
    return " NOT ".join([wanted, *(term.match for term in terms if term.is_unwanted)])


def join_arguments(arguments: Sequence[str]) -> str:
    """The words of a search from arguments of a command, from which the shell took the quotes: what is several plain
    words, with a column, minus or asterisk or without, was a phrase."""
    return " ".join(_quote(argument.strip()) for argument in arguments)


def _quote(argument: str) -> str:
    found = _PLAIN_WORDS.fullmatch(argument)
    return f'{found["before"]}"{found["words"]}"{found["after"]}' if found else argument


def _read_terms(words: str) -> Iterator[Term]:
    for found in _TERM.finditer(words):
        column, phrase, word = found["column"], found["phrase"], found["word"] or ""
        parts = _WORD.findall((phrase if phrase is not None else word).replace("_", " "))
        if column and not parts:
            raise QueryError("q", "empty_column", column=column)
        if not parts:
            continue
        is_beginning = bool(found["prefix"]) or (phrase is None and word.endswith("*"))
        if is_beginning and len(parts[-1]) < PREFIX_LEAST:
            raise QueryError("q", "short_beginning", word=parts[-1], least=PREFIX_LEAST)
        yield Term(
            words=tuple(parts),
            is_beginning=is_beginning,
            column=COLUMNS[column.lower()] if column else None,
            is_unwanted=bool(found["minus"] or found["late_minus"]),
        )
