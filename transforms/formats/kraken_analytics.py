"""The bars of Kraken's analytics, whatever they measure: stamps, and beside them one entry each."""

from typing import Any

from expectations.errors import PayloadChanged, brief
from transforms.payload import member


def bars(payload: Any) -> tuple[list[Any], list[Any]]:
    """The stamps of an answer, in seconds since 1970, and an entry for each of them.

    Raises:
        PayloadChanged: They are not lists of one length.
    """
    result = member(payload, "result")
    stamps, entries = member(result, "timestamp"), member(result, "data")
    if not isinstance(stamps, list) or not isinstance(entries, list) or len(stamps) != len(entries):
        raise PayloadChanged(f"expected a bar for each stamp, found {brief(result, 120)}")
    return stamps, entries
