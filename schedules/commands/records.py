"""Articles in a file, one JSON object a line, for the commands that run a single stage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from schedules.errors import UsageFailure

Id = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
R = TypeVar("R", bound=BaseModel)


class Record(BaseModel):
    """What every line holds. Other keys are nobody's concern."""

    model_config = ConfigDict(frozen=True)

    id: Id
    title: str
    text: str
    source: str = ""
    url: str = ""


def read_records(file: str, kind: type[R]) -> Iterator[R]:
    """The records of `file` ("-": stdin), blank lines passed over. Raises UsageFailure naming the line and the key."""
    with _open(file) as lines:
        for number, line in enumerate(lines, start=1):
            if line := line.removeprefix(b"\xef\xbb\xbf").strip():
                try:
                    yield kind.model_validate_json(line)
                except ValidationError as error:
                    fault = error.errors()[0]
                    key = ".".join(map(str, fault["loc"]))
                    raise UsageFailure(f"{file}: line {number}: {f'{key}: ' if key else ''}{fault['msg']}") from error


@contextmanager
def _open(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        lines = Path(file).open("rb")  # noqa: SIM115 - closed by the block below
    except OSError as error:
        raise UsageFailure(f"{file}: {error.strerror}") from error
    with lines:
        yield lines
