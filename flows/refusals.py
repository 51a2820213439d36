"""Detects an error page in place of a CSV table."""

from collections.abc import Callable

from expectations.errors import PipelineError, SourceUnavailable
from flows.source import Answer


def no_table(provider: str) -> Callable[[Answer], PipelineError | None]:
    """The refusal of a CSV provider: an HTML page or a JSON message with status 200."""

    def refusal(answer: Answer) -> PipelineError | None:
        beginning = answer.body.lstrip()[:60]
        if beginning[:1] in {b"<", b"{"}:
            return SourceUnavailable(f"expected CSV from {provider}, found {beginning!r}")
        return None

    return refusal
