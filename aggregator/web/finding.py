"""What the pages and feeds say to a question that has no answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.finding import FindingError, NoNewsYetError, NoSuchItemError, NoSuchNameError, NotRankedError
from aggregator.models import Language
from aggregator.publish.describing import tell_problem
from aggregator.publish.wording import get_wording
from aggregator.search_terms import QueryError


class RefusalError(Exception):
    """A feed that cannot be given: the status, and why, in the language of the question."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class UnknownNameError(RefusalError):
    """There is no such city, topic, source …: see NoSuchNameError."""

    def __init__(self, problem: str, *, kind: str, slug: str, near: Sequence[str]) -> None:
        super().__init__(404, problem)
        self.kind = kind
        self.slug = slug
        self.near = tuple(near)


class BadQueryError(RefusalError):
    """A question that cannot be read."""

    def __init__(self, error: QueryError, language: Language) -> None:
        self.key = error.key
        self.problem = tell_problem(error, language)
        super().__init__(400, get_wording(language)["bad_query"].format(key=self.key, problem=self.problem))


def make_refusal(error: FindingError, language: Language, feeds_url: str) -> RefusalError:
    """The same for those who asked over the web; `feeds_url`: of the page of all feeds."""
    words, said = get_wording(language), error.tell(language)
    match error:
        case NoNewsYetError():
            return RefusalError(503, said)
        case NoSuchNameError():
            told = f"{said} {words['all_feeds'].format(url=feeds_url)}"
            return UnknownNameError(told, kind=error.kind, slug=error.slug, near=error.near)
        case NoSuchItemError() | NotRankedError():
            return RefusalError(404, f"{said} {words['begin_again'].format(url=feeds_url)}")
    return RefusalError(404, said)
