"""Saved questions: one SQL file is one question of an analyst, with the meaning of its answer.

A file of `warehouse/queries/` begins with a comment of paragraphs: the question; what the answer means; what a careful
reader must know, as lines that begin with `- `; and, if an answer without rows is valid, a paragraph that begins with
`No rows:` and says why. Then follows one statement that reads marts, or the pipeline's books.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from expectations.errors import BadRequest
from warehouse.text import columns

_OPENING = re.compile(r"\A\s*/\*(?P<comment>.+?)\*/\s*(?P<sql>.+)\Z", re.DOTALL)
_BLANK = re.compile(r"\n\s*\n")
_EMPTY = "No rows:"


@dataclass(frozen=True)
class Question:
    """One saved question.

    Attributes:
        name: Its name, which is the file's name.
        question: The question, in plain words.
        meaning: What the answer means, and what its columns are.
        caveats: What a careful reader must know.
        empty: When an answer without rows is valid; empty text if it never is.
        sql: The statement, without the opening comment.
    """

    name: str
    question: str
    meaning: str
    caveats: tuple[str, ...]
    empty: str
    sql: str

    @property
    def about(self) -> tuple[str, ...]:
        """The full description, paragraph by paragraph."""
        paragraphs = (self.question, self.meaning, *(f"- {caveat}" for caveat in self.caveats))
        return (*paragraphs, f"{_EMPTY} {self.empty}") if self.empty else paragraphs


@cache
def questions() -> dict[str, Question]:
    """All saved questions, by name."""
    by_name = {}
    for file in sorted((files("warehouse") / "queries").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            by_name[name] = parse(name, file.read_text(encoding="utf-8"))
    return by_name


def question(name: str) -> Question:
    """One saved question.

    Raises:
        BadRequest: There is none with this name; the message lists the names.
    """
    known = questions()
    if name not in known:
        raise BadRequest(f"no saved question {name!r}: there are\n{listed()}")
    return known[name]


def listed() -> str:
    """Names and questions, one line each."""
    return columns((name, asked.question) for name, asked in questions().items())


def parse(name: str, text: str) -> Question:
    """Read one file.

    Raises:
        ValueError: The opening comment does not follow the module's docstring.
    """
    opening = _OPENING.match(text)
    if opening is None:
        raise ValueError(f"expected {name}.sql to open with a comment and to hold a statement, found none")
    paragraphs = [paragraph.strip() for paragraph in _BLANK.split(opening["comment"].strip())]
    empty = ""
    if paragraphs[-1].startswith(_EMPTY):
        empty = _joined(paragraphs.pop().removeprefix(_EMPTY))
    if len(paragraphs) != 3 or not paragraphs[0].endswith("?") or not paragraphs[2].startswith("- "):  # noqa: PLR2004  as the docstring lists them
        raise ValueError(f"expected {name}.sql to hold a question, its meaning and caveats, found {paragraphs}")
    asked, meaning, caveats = paragraphs
    return Question(
        name=name,
        question=_joined(asked),
        meaning=_joined(meaning),
        caveats=tuple(_joined(caveat) for caveat in re.split(r"^- ", caveats, flags=re.MULTILINE)[1:]),
        empty=empty,
        sql=opening["sql"],
    )


def _joined(text: str) -> str:
    return " ".join(text.split())
