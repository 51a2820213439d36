"""`tidemark doctor`: what every source answers now, held against what is known of it, and kept in the home.

It holds no writer's lock of the home and writes nothing but its own folder: the answers, archived as a run's are, a
report for each day, and the newest findings about each source. A source that was asked without a gateway, and of which
everything was as known, stands as verified live from then on, until something is found to have changed.
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
from flows.text import columns
from flows.verification import FOLDER, LATEST, latest, now_in_words, standing
from warehouse.store.archive import Archive
from warehouse.store.files import write_whole
from warehouse.store.home import hold, visit

WORDS = {
    Outcome.as_known: "as known",
    Outcome.skipped: "skipped",
    Outcome.untold: "could not be told",
    Outcome.changed: "CHANGED",
}
SIGNS = {True: "yes", False: "NO", None: ""}

Tell = Callable[[Examination], None]


def examine_sources(
    settings: Settings, names: Sequence[str], *, wait: bool, say: Callable[[str], None], tell: Tell
) -> dict[str, Any]:
    """Ask the sources and keep what was found.

    Args:
        settings: Where and when.
        names: Only these sources; all that are enabled where none is named.
        wait: Whether to wait for another doctor of this home.
        say: Where to say what is going on.
        tell: Told of each source as soon as it has been examined.

    Returns:
        The report, as `--json` prints it.

    Raises:
        BadRequest: A name that nobody knows.
        HomeRefused: The folder is not one that this may write to, or holds findings of another origin.
    """
    able, left_out = enabled(settings), skipped(settings)
    unknown = sorted(set(names) - set(able) - set(left_out))
    if unknown:
        there = ", ".join(sorted({*able, *left_out}))
        raise BadRequest(f"unknown source {unknown[0]!r}: there are {there}")
    where = origin(settings)
    visit(settings.home, where)
    with _alone(settings.home, wait=wait, say=say):
        before = latest(settings.home)
        if before and before["origin"] != where:
            raise HomeRefused(
                f"{settings.home / FOLDER} holds findings of {before['origin']} answers and this command would add "
                f"{where} ones: use another TIDEMARK_HOME, they are never mixed"
            )
        asked = {name: source for name, source in able.items() if not names or name in names}
        found = _examine_all(settings, asked, tell)
        found += [
            Examination(name, Outcome.skipped, reason)
            for name, reason in left_out.items()
            if not names or name in names
        ]
        report = _report(settings, sorted(found, key=lambda one: one.source), before)
        _keep(settings.home, report, before)
    return report


def _alone(home: Path, *, wait: bool, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold the doctor's own lock, which no run waits for."""
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
    """Every source, side by side."""
    now = settings.clock.now()
    witness = Witness(Archive(settings.home / FOLDER / "raw"), f"{now:%dT%H%M%S}", now)
    # The limits of all are kept, and each may be a witness.
    collector = Collector(settings, list(sources().values()), witness)

    def one(source: Source) -> Examination:
        found = examine(collector, source, invariants().get(source.name, ()), witness)
        tell(found)
        return found

    try:
        with ThreadPoolExecutor(max_workers=max(len(asked), 1)) as pool:
            return list(pool.map(one, asked.values()))
    finally:
        witness.close()


def _report(settings: Settings, found: Sequence[Examination], before: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, for machines: the names are stable."""
    where, now = origin(settings), now_in_words(settings.clock.now())
    entries = {}
    for one in found:
        earlier = before.get("sources", {}).get(one.source, {}).get("verified_live_at")
        if one.outcome is Outcome.as_known and where == "live":
            earlier = now
        elif one.outcome is Outcome.changed:
            earlier = None
        entries[one.source] = {**_plain(one), "examined_at": now, "verified_live_at": earlier}
    findings = {"origin": where, "sources": entries}
    for name, entry in entries.items():
        source = sources()[name]
        now_stands = standing(source, findings)
        entry |= {
            "verified": now_stands.verified,
            "verified_at": now_in_words(now_stands.at),
            "keyed": source.key is not None,
            "unofficial": source.unofficial,
        }
    outcome = worst([one.outcome for one in found if one.outcome is not Outcome.skipped] or [Outcome.skipped])
    return {"origin": where, "examined_at": now, "outcome": outcome.value, "sources": list(entries.values())}


def _plain(one: Examination) -> dict[str, Any]:
    """An examination as JSON holds it."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(asdict(one)))
    return plain


def _keep(home: Path, report: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Write the day's report, and the newest findings about each source."""
    folder = home / FOLDER
    staging = folder / "staging"
    day = folder / f"{report['examined_at'][:10]}.json"
    write_whole(day, orjson.dumps(report, option=orjson.OPT_INDENT_2), staging)
    newest = dict(before.get("sources", {}))
    for entry in report["sources"]:
        # A source that could not be asked keeps what was found when it could.
        if entry["outcome"] != Outcome.skipped or entry["source"] not in newest:
            newest[entry["source"]] = entry
    whole = {"origin": report["origin"], "sources": newest}
    write_whole(folder / LATEST, orjson.dumps(whole, option=orjson.OPT_INDENT_2), staging)


def table(report: Mapping[str, Any]) -> str:
    """The report for people."""
    lines: list[tuple[str, ...]] = [
        ("source", "asked for", "reached", "allowed", "shape", "units", "newest day", "requests (limit)", "verdict")
    ]
    for entry in report["sources"]:
        if entry["outcome"] == Outcome.skipped:
            lines.append((entry["source"], *("",) * 7, f"skipped: {entry['reason']}"))
        lines += [_feed_line(entry, feed) for feed in entry["feeds"]]
        lines += [("", f"- {one['name']}", *("",) * 6, WORDS[Outcome(one["outcome"])]) for one in entry["invariants"]]
    text = [f"asked {report['origin']} at {report['examined_at'][:16].replace('T', ' ')} UTC", "", columns(lines)]
    for title, outcome in (("Changed:", Outcome.changed), ("Could not be told:", Outcome.untold)):
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
    stand: dict[str, list[str]] = {}
    for entry in report["sources"]:
        stand.setdefault(entry["verified"], []).append(entry["source"])
    text += ["", *(f"verified, {how}: {', '.join(names)}" for how, names in sorted(stand.items()))]
    return "\n".join(text)


def _feed_line(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> tuple[str, ...]:
    """One question of a source; what is said of the source stands in its first line."""
    first = feed is entry["feeds"][0]
    return (
        entry["source"] if first else "",
        f"{feed['dataset']} {feed['series'] or ''}".strip(),
        *(SIGNS[feed[name]] for name in ("reachable", "authorised", "shape", "units")),
        feed["freshest_day"] or "none",
        ", ".join(_used(one) for one in entry["limits"]) if first else "",
        WORDS[Outcome(feed["outcome"])],
    )


def _used(limit: Mapping[str, Any]) -> str:
    """How much of a limit was used, with what the provider itself counts."""
    told = "".join(f" ({name}: {value})" for name, value in limit["told"].items())
    return f"{limit['requests']:,} ({limit['of']:,} in {limit['seconds']:g} s){told}"


def complaints(report: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """Every finding of an outcome, as a sentence; what one source has for the same reason stands together."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in report["sources"]:
        for feed in entry["feeds"]:
            if feed["outcome"] == outcome:
                asked = f"{feed['dataset']} {feed['series'] or ''}".strip()
                found.setdefault((entry["source"], feed["reason"]), []).append(asked)
        for one in entry["invariants"]:
            if one["outcome"] == outcome:
                answered = one["error"] is None
                reason = f"expected: {one['sentence']} Found: {one['found']}" if answered else one["error"]
                found.setdefault((entry["source"], reason), []).append(one["name"])
    return [f"{source}, {'; '.join(names)}: {reason}" for (source, reason), names in found.items()]
