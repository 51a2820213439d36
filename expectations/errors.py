"""The exception classes, named by what to do next.

Messages read "expected X, found Y" and say where. Code decides by class, never by text.
"""

from collections.abc import Iterator
from traceback import walk_tb

from polars.exceptions import PanicException

MOST_WORDS = 300  # characters of an exception's text
OURS = ("flows", "transforms", "expectations", "warehouse")
# Exceptions that fail a request or a batch, never a run; Polars' panics are not `Exception`s. An interrupt is not one.
FAULTS = (Exception, PanicException)
MOST_TOLD = 2_000  # characters of a message
DEEPEST_SHOWN = 8  # levels of nesting
MOST_BITS = 512  # of a number that is shown


class PipelineError(Exception):
    """Any error that tidemark can name; shown to people as one sentence, cut to at most a page.

    Args:
        message: What was expected and found.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message if len(message) <= MOST_TOLD else f"{message[:MOST_TOLD]}…")


class SourceUnavailable(PipelineError):
    """Wait, then retry: timeouts, broken connections, 429 and 5xx answers.

    Args:
        message: What was expected and found.
        retry_after: Seconds that the provider asked us to wait, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceRefused(PipelineError):
    """Fix our request, key or region: other 4xx answers, and refusals inside a 200 answer."""


class NotYetPublished(PipelineError):
    """Nothing is wrong; the day is not out yet."""


class PayloadChanged(PipelineError):
    """The provider changed the answer's shape or left something out; fix the transform, then replay."""


class ContractViolated(PipelineError):
    """Rows broke a promise and were held back; look at the data."""


class StorageDamaged(PipelineError):
    """A file of the home is not what was written; the message names it and the way back."""


class HomeRefused(PipelineError):
    """This command may not use the home: it is foreign, unwritable, newer, or of another origin."""


class HomeBusy(PipelineError):
    """Another tidemark is writing to this home."""


class BadRequest(PipelineError):
    """The request makes no sense: an unknown name, an end before its start, a day that is not over.

    The message lists the valid choices, in our own words, so it is never cut.
    """

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)


class ClockWrong(PipelineError):
    """This machine's clock differs too much from the providers' to judge what is due; set the clock."""


class NetworkAbsent(PipelineError):
    """No provider can be reached from this machine: that is nobody's fault, so it is recorded of none of them."""


class Unforeseen(PipelineError):
    """An unexpected exception: a bug in tidemark, named with its class and place."""


class RunStopped(Exception):
    """A person stopped the run: nothing failed, and nothing is recorded about unfinished work."""


def unforeseen(fault: BaseException, what: str) -> PipelineError:
    """Wrap an exception in an `Unforeseen`; a `PipelineError` is returned as it is."""
    if isinstance(fault, PipelineError):
        return fault
    error = Unforeseen(f"expected {what} to end well, found {described(fault)}")
    error.__cause__ = fault
    return error


def described(fault: BaseException) -> str:
    """An exception as one line: its class, its message, and the innermost line of our code that it passed through."""
    words = " ".join(str(fault).split())[:MOST_WORDS]
    place = list(_places(fault))
    return f"{type(fault).__name__}({words!r})" + (f" at {place[-1]}" if place else "")


def _places(fault: BaseException) -> Iterator[str]:
    for frame, line in walk_tb(fault.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            yield f"{module}:{line}"


def brief(value: object, most: int = 120) -> str:
    """A value of an answer for use in a sentence: text as it is, anything else as its `repr`, cut off.

    A large or deep value takes no longer than a small one.

    Args:
        value: The value.
        most: The maximum number of characters.
    """
    return (value if isinstance(value, str) else _shown(value, most, DEEPEST_SHOWN))[:most]


def quoted(value: object, most: int = 120) -> str:
    """Like `brief`, with quotes around text."""
    return _shown(value, most, DEEPEST_SHOWN)[:most]


def _shown(value: object, most: int, depth: int) -> str:
    """The `repr` of a value, or about as much of it as is wanted."""
    if isinstance(value, str | bytes):
        return repr(value[:most])
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return "a huge number"
    if not isinstance(value, list | tuple | dict):
        return repr(value)
    opened, closed = ("{", "}") if isinstance(value, dict) else ("[", "]") if isinstance(value, list) else ("(", ")")
    if depth == 0:
        return f"{opened}…{closed}"
    parts: list[str] = []
    left = most
    for part in value:
        if left <= 0:
            break
        text = _shown(part, left, depth - 1)
        if isinstance(value, dict):
            text += f": {_shown(value[part], left, depth - 1)}"
        parts.append(text)
        left -= len(text) + 2
    alone = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{opened}{', '.join(parts)}{alone}{closed}"
