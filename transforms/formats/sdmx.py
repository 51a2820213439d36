"""Series of an SDMX-ML file (compact form), read as a stream: such a file may hold a million observations."""

from collections.abc import Collection, Mapping
from xml.parsers import expat

from expectations.errors import PayloadChanged

Attributes = Mapping[str, str]
Series = tuple[Attributes, list[Attributes]]


def number_of(text: str | None) -> float | None:
    """The number that an attribute states, however it is written; unknown where it is not a number or missing."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def series_of(document: bytes, names: Collection[str], name: str) -> dict[str, Series]:
    """The attributes and the observations of some series of a file.

    Elements are identified by their local names `Series` and `Obs`. A file that declares a document type or an entity
    is refused, so that nothing in it expands.

    Args:
        document: The file.
        names: The series that are wanted.
        name: The attribute of a series that holds its name.

    Returns:
        By name: the attributes of the series, and those of each observation.

    Raises:
        PayloadChanged: It is not XML, it declares a document type, or a series is missing or repeated.
    """
    series_by_name: dict[str, Series] = {}
    open_series: list[Attributes] | None = None

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal open_series
        kind = tag.rpartition(":")[2]
        if kind == "Obs" and open_series is not None:
            open_series.append(attributes)
        elif kind == "Series":
            mine = attributes.get(name)
            open_series = [] if mine in names else None
            if mine is not None and open_series is not None:
                if mine in series_by_name:
                    raise PayloadChanged(f"expected the series {mine} once, found it twice")
                series_by_name[mine] = (attributes, open_series)

    def refuse(*_: object) -> None:
        raise PayloadChanged("expected XML without a document type, found one")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)  # noqa: FBT003  expat takes it by place alone
    except expat.ExpatError as broken:
        raise PayloadChanged(f"expected XML, found {document[:40]!r} ({broken})") from broken
    missing = sorted(set(names) - set(series_by_name))
    if missing:
        raise PayloadChanged(f"expected the series {missing[0]}, found none of that name")
    return series_by_name
