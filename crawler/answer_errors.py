"""Why an answer cannot be used. The words are for people, and `diagnosis.toml` knows them.

AnswerError ─┬─ TooLargeError      over a limit, packed or unpacked
             ├─ BrokenAnswerError  no sound HTTP, or unpacked with an effort that nobody honest asks for
             ├─ BrokenOffError     the connection broke before there was anything to use
             ├─ SlowAnswerError    not whole within its time
             ├─ TlsError           not the site that it should be, as far as certificates tell
             └─ RedirectError      sent on too often, in a circle, or to what is no address of the web
"""

from __future__ import annotations


class AnswerError(Exception):
    """The answer cannot be used. `is_final`: nor will it be the next time."""

    is_final = False


class TooLargeError(AnswerError):
    is_final = True

    def __init__(self, what: str, limit: int, unit: str = "bytes") -> None:
        super().__init__(f"{what} is over the limit of {limit} {unit}")


class BrokenAnswerError(AnswerError):
    def __init__(self, why: str) -> None:
        super().__init__(f"the answer is no sound HTTP: {why}")


class BrokenOffError(AnswerError):
    def __init__(self, why: str) -> None:
        super().__init__(f"the server broke the connection off: {why}")


class SlowAnswerError(AnswerError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"the answer took longer than {seconds:g} s")


class TlsError(AnswerError):
    def __init__(self, why: str) -> None:
        super().__init__(f"TLS: {why}")


class RedirectError(AnswerError):
    is_final = True


def describe_download_error(error: BaseException) -> str:
    """Why there was no answer, in one line for people."""
    text = " ".join(str(error).split())
    if text and type(error).__module__.startswith("crawler."):  # our own words need no class name
        return text[:300]
    if isinstance(error, ValueError):  # of whatever part of the network code looked at the address
        return "no address of the web: malformed"
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__
