"""The cost of a plan: series-days, requests, time under the rate limits, and what perishes first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter

from flows.steps.interim import FIRST_AFTER, slow_sources
from flows.steps.plan import Batch, Mode, date_of
from warehouse.text import counted, instant


@dataclass(frozen=True)
class ForecastLine:
    """The forecast of one batch.

    Attributes:
        series: The number of series.
        days: The number of series-days.
        first: The first day.
        last: The last day.
        requests: The expected number of requests.
        perishes_at: When the first of its unsettled days can no longer be fetched.
    """

    dataset: str
    source: str
    series: int
    days: int
    first: date
    last: date
    requests: int
    perishes_at: datetime | None


@dataclass(frozen=True)
class Forecast:
    """The forecast of a plan.

    Attributes:
        lines: One line for each batch, in order of execution per source.
        seconds: The minimum time of the requests under the rate limits: that of the slowest source.
        slowest: The slowest source.
        one_by_one: The minimum time if sources ran one after the other.
        by_source: Source to the minimum time of its own requests.
    """

    lines: tuple[ForecastLine, ...]
    seconds: float
    slowest: str = ""
    one_by_one: float = 0.0
    by_source: Mapping[str, float] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Total series-days."""
        return sum(line.days for line in self.lines)

    @property
    def requests(self) -> int:
        """Total requests."""
        return sum(line.requests for line in self.lines)

    @property
    def sentence(self) -> str:
        """The totals, and what perishes first."""
        if not self.lines:
            return "nothing is due"
        total = f"{self.days:,} series-days, about {counted(self.requests, 'request')}, at least {self.seconds:,.0f} s"
        perishing = [(line.perishes_at, line) for line in self.lines if line.perishes_at is not None]
        limited = f"{total} under the rate limits" + (f" of {self.slowest}, the slowest" if self.seconds else "")
        if slow_sources(self.by_source):
            limited += f"; a first page after about {FIRST_AFTER:,.0f} s"
        if not perishing:
            return f"{limited}; nothing of it perishes"
        at, first = min(perishing, key=itemgetter(0))
        return f"{limited}; {first.dataset} from {first.source} perishes first, at {instant(at)}"


def forecast(planned: Iterable[Batch], mode: Mode) -> Forecast:
    """Forecast the cost of batches; a replay makes no requests."""
    lines = []
    by_limit: defaultdict[str, float] = defaultdict(float)  # seconds
    by_source: defaultdict[str, float] = defaultdict(float)
    bursts: dict[str, int] = {}  # what may still be sent at once, by limit
    for batch in planned:
        spent = {} if mode is Mode.replay else batch.requests_by_limit
        taken = {}
        for limit, requests in spent.items():
            left = bursts.setdefault(limit, batch.source.limits[limit].burst)
            bursts[limit] = max(left - requests, 0)
            taken[limit] = max(requests - left, 0) / batch.source.limits[limit].per_second
            by_limit[limit] += taken[limit]
        by_source[batch.source.name] += max(taken.values(), default=0.0)
        days = date_of(batch.wanted)
        lines.append(
            ForecastLine(
                batch.feed.dataset.name,
                batch.source.name,
                batch.wanted["series"].n_unique(),
                len(days),
                min(days),
                max(days),
                0 if mode is Mode.replay else batch.requests,
                batch.perishes_at,
            )
        )
    # Sources run in parallel, the batches of one source in order; two sources may share a host.
    slowest, longest = max(by_source.items(), key=itemgetter(1), default=("", 0.0))
    total = max(longest, *by_limit.values(), 0.0)
    return Forecast(tuple(lines), total, slowest, sum(by_source.values()), dict(by_source))
