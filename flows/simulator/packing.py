"""Zip files, as the archives of providers have them."""

import io
import zipfile
from collections.abc import Mapping

PACKED_AT = (2020, 1, 1, 0, 0, 0)  # a fixed time, so that the same rows give the same bytes


def packed(members: Mapping[str, bytes]) -> bytes:
    """A zip file of members, given by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in members.items():
            member = zipfile.ZipInfo(name, PACKED_AT)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, body)
    return buffer.getvalue()
