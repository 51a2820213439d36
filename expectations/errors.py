"""The error tree, named by what to do next.

Messages read "expected X, found Y" and say where. Code decides by class, never by text.
"""


class PipelineError(Exception):
    """Anything that tidemark knows how to name; shown to people as one sentence."""


class SourceUnavailable(PipelineError):
    """Wait, then retry: timeouts, broken connections, 429 and 5xx answers.

    Args:
        message: What was expected and found.
        retry_after: Seconds that the provider asked us to wait, where it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceRefused(PipelineError):
    """Fix our request, key or region: other 4xx answers, and refusals inside a 200."""


class NotYetPublished(PipelineError):
    """Nothing is wrong; the day is not out yet."""


class PayloadChanged(PipelineError):
    """The provider changed shape or left something out; fix the transform, then replay."""


class ContractViolated(PipelineError):
    """Rows broke a promise and were held back; look at the data."""


class StorageDamaged(PipelineError):
    """A file of the home is not what was written; the message names it and the way back."""


class HomeRefused(PipelineError):
    """This home is not one that this command may use: foreign, unwritable, newer, of another origin."""


class HomeBusy(PipelineError):
    """Another tidemark is writing to this home."""


class BadRequest(PipelineError):
    """What was asked makes no sense: an unknown name, an end before its start, a day that is not over."""


class RunStopped(Exception):
    """A person ended the run: no failure of anything, and nothing is recorded of what was under way."""
