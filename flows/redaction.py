"""Redaction: a key that an answer repeats is removed, in every encoding."""

import base64
import html
import json
from functools import cached_property
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

INSTEAD = "***"
# A shorter piece of a key in base64 could occur in any text by chance.
SHORTEST_PIECE = 8


class Redaction:
    """Removes one key from bytes and text.

    Args:
        key: The key; None leaves everything as it is.
    """

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """Every encoding of the key, longest first, so that replacing one leaves no part of another."""
        secret = self._key.get_secret_value() if self._key is not None else ""
        if not secret:
            return ()
        escaped = json.dumps(secret)[1:-1]
        spellings = {secret, html.escape(secret), escaped, escaped.replace("/", "\\/")}
        spellings |= {json.dumps(secret, ensure_ascii=False)[1:-1]}
        every = "".join(f"%{byte:02X}" for byte in secret.encode())
        for percent in (quote(secret), quote(secret, safe=""), quote_plus(secret), every):
            # Only the hexadecimal digits may be lower case as well as upper case.
            spellings |= {percent, _small(percent)}
        spellings |= _in_base64(secret.encode())
        spellings |= {spelt.encode().decode("latin-1") for spelt in spellings}  # headers are decoded as Latin-1
        return tuple(sorted(spellings, key=lambda spelt: (-len(spelt), spelt)))

    def body(self, content: bytes) -> bytes:
        """The bytes without the key."""
        for spelt in self.spellings:
            content = content.replace(spelt.encode(), INSTEAD.encode())
        return content

    def text(self, content: str) -> str:
        """The text without the key."""
        for spelt in self.spellings:
            content = content.replace(spelt, INSTEAD)
        return content


def _small(percent: str) -> str:
    """Percent-encoded text with lower-case hexadecimal digits."""
    head, *rest = percent.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _in_base64(secret: bytes) -> set[str]:
    """The key in base64 at each of the three offsets inside a larger text such as `user:key`, without the edges."""
    pieces = set()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret).decode()
        begins = (0, 2, 3)[before]
        lasts = (before + len(secret)) // 3 * 4 + (0, 1, 2)[(before + len(secret)) % 3]
        piece = whole[begins:lasts]
        if len(piece) >= SHORTEST_PIECE:
            pieces |= {piece, piece.replace("+", "-").replace("/", "_")}
    return pieces
