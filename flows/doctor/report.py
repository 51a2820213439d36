"""`tidemark doctor`: compare the current answers of every source with what is known, and keep the findings.

It does not take the writer's lock of the home and writes only to its own folder: the archived answers, a report for
each day, and the newest findings about each source. A source that was asked without a gateway, and for which everything
was as known, counts as verified live until a change is found.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from expectations.errors import BadRequest, HomeRefused
from flows.doctor.examine import Examination, Outcome, Witness, examine, worst
from flows.invariants import invariants
from flows.jobs import enabled, skipped
from flows.pipeline import origin
from flows.settings import Settings
from flows.source import Source
from flows.sources import sources
from flows.steps.collect import Collector
from flows.verification import FOLDER, LATEST, latest, now_in_words, standing
from warehouse.store.archive import Archive
from warehouse.store.files import write_whole
from warehouse.store.home import hold, visit
from warehouse.text import columns

WORDS = {
    Outcome.as_known: "as known",
    Outcome.skipped: "skipped",
    Outcome.untold: "could not be determined",
    Outcome.changed: "CHANGED",
}
SIGNS = {True: "yes", False: "NO", None: ""}

Tell = Callable[[Examination], None]


def examine_sources(
    settings: Settings, names: Sequence[str], *, wait: bool, say: Callable[[str], None], tell: Tell
) -> dict[str, Any]:
    """Examine the sources and store the findings.

    Args:
        settings: The settings of the command.
        names: Only these sources; empty for all enabled sources.
        wait: Whether to wait for another doctor of this home.
        say: Receives progress messages.
        tell: Receives each examination as soon as it is done.

    Returns:
        The report, as `--json` prints it.

    Raises:
        BadRequest: A name is unknown.
        HomeRefused: The folder is not writable, or holds findings of another origin.
    """
    able, left_out = enabled(settings), skipped(settings)
    unknown = sorted(set(names) - set(able) - set(left_out))
    if unknown:
        known = ", ".join(sorted({*able, *left_out}))
        raise BadRequest(f"unknown source {unknown[0]!r}: there are {known}")
    where = origin(settings)
    visit(settings.home, where)
    with _alone(settings.home, wait=wait, say=say):
        before = latest(settings.home)
        if before and before["origin"] != where:
            raise HomeRefused(
                f"{settings.home / FOLDER} holds findings of {before['origin']} answers and this command would add "
                f"{where} ones: use another TIDEMARK_HOME, they are never mixed"
            )
        chosen = {name: source for name, source in able.items() if not names or name in names}
        examinations = _examine_all(settings, chosen, tell)
        examinations += [
            Examination(name, Outcome.skipped, reason)
            for name, reason in left_out.items()
            if not names or name in names
        ]
        report = _report(settings, sorted(examinations, key=lambda examination: examination.source), before)
        _keep(settings.home, report, before)
    return report


def _alone(home: Path, *, wait: bool, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold the doctor's own lock; runs do not wait for it."""
    folder = home / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise HomeRefused(
            f"cannot write to {folder} ({refused.strerror}): set TIDEMARK_HOME to a folder that you may write to"
        ) from refused
    busy = f"{folder} is being written by {{holder}}: try again when it has ended"
    return hold(folder / "writer.lock", who="tidemark doctor", wait=wait, tell=say, busy=busy)


def _examine_all(settings: Settings, asked: Mapping[str, Source], tell: Tell) -> list[Examination]:
    """Examine the sources in parallel."""
    now = settings.clock.now()
    witness = Witness(Archive(settings.home / FOLDER / "raw"), f"{now:%dT%H%M%S}", now)
    # The limits of all sources apply, because an invariant may ask a second source.
    collector = Collector(settings, list(sources().values()), witness)

    def work(source: Source) -> Examination:
        examination = examine(collector, source, invariants().get(source.name, ()), witness)
        tell(examination)
        return examination

    try:
        with ThreadPoolExecutor(max_workers=max(len(asked), 1)) as pool:
            return list(pool.map(work, asked.values()))
    finally:
        witness.close()


def _report(settings: Settings, found: Sequence[Examination], before: Mapping[str, Any]) -> dict[str, Any]:
    """The report as JSON data; its keys are stable."""
    where, now = origin(settings), now_in_words(settings.clock.now())
    entries = {}
    for examination in found:
        verified_at = before.get("sources", {}).get(examination.source, {}).get("verified_live_at")
        if examination.outcome is Outcome.as_known and where == "live":
            verified_at = now
        elif examination.outcome is Outcome.changed:
            verified_at = None
        entries[examination.source] = {**_plain(examination), "examined_at": now, "verified_live_at": verified_at}
    findings = {"origin": where, "sources": entries}
    for name, entry in entries.items():
        source = sources()[name]
        verification = standing(source, findings)
        entry |= {
            "verified": verification.verified,
            "verified_at": now_in_words(verification.at),
            "keyed": source.key is not None,
            "unofficial": source.unofficial,
        }
    outcomes = [examination.outcome for examination in found if examination.outcome is not Outcome.skipped]
    outcome = worst(outcomes or [Outcome.skipped])
    return {"origin": where, "examined_at": now, "outcome": outcome.value, "sources": list(entries.values())}


def _plain(one: Examination) -> dict[str, Any]:
    """An examination as plain JSON data."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(asdict(one)))
    return plain


def _keep(home: Path, report: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Write the report of the day, and the newest findings about each source."""
    folder = home / FOLDER
    staging = folder / "staging"
    day = folder / f"{report['examined_at'][:10]}.json"
    write_whole(day, orjson.dumps(report, option=orjson.OPT_INDENT_2), staging)
    newest = dict(before.get("sources", {}))
    for entry in report["sources"]:
        # A skipped source keeps its earlier findings.
        if entry["outcome"] != Outcome.skipped or entry["source"] not in newest:
            newest[entry["source"]] = entry
    whole = {"origin": report["origin"], "sources": newest}
    write_whole(folder / LATEST, orjson.dumps(whole, option=orjson.OPT_INDENT_2), staging)


def table(report: Mapping[str, Any]) -> str:
    """The report as text."""
    lines: list[tuple[str, ...]] = [
        ("source", "asked for", "reached", "allowed", "shape", "units", "newest day", "requests (limit)", "verdict")
    ]
    for entry in report["sources"]:
        if entry["outcome"] == Outcome.skipped:
            lines.append((entry["source"], *("",) * 7, f"skipped: {entry['reason']}"))
        lines += [_feed_line(entry, feed) for feed in entry["feeds"]]
        lines += [
            ("", f"- {invariant['name']}", *("",) * 6, WORDS[Outcome(invariant["outcome"])])
            for invariant in entry["invariants"]
        ]
    text = [f"asked {report['origin']} at {report['examined_at'][:16].replace('T', ' ')} UTC", "", columns(lines)]
    for title, outcome in (("Changed:", Outcome.changed), ("Could not be determined:", Outcome.untold)):
        problems = complaints(report, outcome)
        if problems:
            text += ["", title, *(f"  {problem}" for problem in problems)]
    remarks = [
        f"  {entry['source']}, {feed['dataset']} {feed['series']}: {remark}"
        for entry in report["sources"]
        for feed in entry["feeds"]
        for remark in feed["remarks"]
    ]
    if remarks:
        text += ["", "Worth a look:", *remarks]
    ways: dict[str, list[str]] = {}
    for entry in report["sources"]:
        ways.setdefault(entry["verified"], []).append(entry["source"])
    text += ["", *(f"verified, {way}: {', '.join(names)}" for way, names in sorted(ways.items()))]
    return "\n".join(text)


def _feed_line(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> tuple[str, ...]:
    """The line of one feed; facts about the source are only in its first line."""
    first = feed is entry["feeds"][0]
    return (
        entry["source"] if first else "",
        f"{feed['dataset']} {feed['series'] or ''}".strip(),
        *(SIGNS[feed[name]] for name in ("reachable", "authorised", "shape", "units")),
        feed["freshest_day"] or "none",
        ", ".join(_used(limit) for limit in entry["limits"]) if first else "",
        WORDS[Outcome(feed["outcome"])],
    )


def _used(limit: Mapping[str, Any]) -> str:
    """How much of a limit was used, with the provider's own count."""
    reported = "".join(f" ({name}: {value})" for name, value in limit["told"].items())
    return f"{limit['requests']:,} ({limit['of']:,} in {limit['seconds']:g} s){reported}"


def complaints(report: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """Every finding of an outcome, as a sentence; findings of a source with the same reason are grouped."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for entry in report["sources"]:
        for feed in entry["feeds"]:
            if feed["outcome"] == outcome:
                what = f"{feed['dataset']} {feed['series'] or ''}".strip()
                grouped.setdefault((entry["source"], feed["reason"]), []).append(what)
        for invariant in entry["invariants"]:
            if invariant["outcome"] == outcome:
                answered = invariant["error"] is None
                judged = f"expected: {invariant['sentence']} Found: {invariant['found']}"
                reason = judged if answered else invariant["error"]
                grouped.setdefault((entry["source"], reason), []).append(invariant["name"])
    return [f"{source}, {'; '.join(names)}: {reason}" for (source, reason), names in grouped.items()]
