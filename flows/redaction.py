"""A key that an answer repeats is not kept, however it is spelt."""

import base64
import html
import json
from functools import cached_property
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

INSTEAD = "***"
# Shorter than this, a piece of a key in base64 could stand in any text.
SHORTEST_PIECE = 8


class Redaction:
    """Takes one key out of bytes and texts.

    Args:
        key: The key; where there is none, everything stays as it is.
    """

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """Every way in which the key may be spelt, longest first, so that none leaves a rest of another."""
        secret = self._key.get_secret_value() if self._key is not None else ""
        if not secret:
            return ()
        told = json.dumps(secret)[1:-1]
        found = {secret, html.escape(secret), told, told.replace("/", "\\/")}
        found |= {json.dumps(secret, ensure_ascii=False)[1:-1]}
        every = "".join(f"%{byte:02X}" for byte in secret.encode())
        for percent in (quote(secret), quote(secret, safe=""), quote_plus(secret), every):
            # Only the digits of a byte may be small as well as capital.
            found |= {percent, _small(percent)}
        found |= _in_base64(secret.encode())
        found |= {spelt.encode().decode("latin-1") for spelt in found}  # the bytes of a header come as Latin-1
        return tuple(sorted(found, key=lambda spelt: (-len(spelt), spelt)))

    def body(self, content: bytes) -> bytes:
        """Bytes without the key."""
        for spelt in self.spellings:
            content = content.replace(spelt.encode(), INSTEAD.encode())
        return content

    def text(self, content: str) -> str:
        """A text without the key."""
        for spelt in self.spellings:
            content = content.replace(spelt, INSTEAD)
        return content


def _small(percent: str) -> str:
    """Percent-encoded text with small hexadecimal digits."""
    head, *rest = percent.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _in_base64(secret: bytes) -> set[str]:
    """What base64 makes of a key wherever it begins in what is encoded, such as `user:key`, without its edges."""
    pieces = set()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret).decode()
        begins = (0, 2, 3)[before]
        lasts = (before + len(secret)) // 3 * 4 + (0, 1, 2)[(before + len(secret)) % 3]
        piece = whole[begins:lasts]
        if len(piece) >= SHORTEST_PIECE:
            pieces |= {piece, piece.replace("+", "-").replace("/", "_")}
    return pieces
