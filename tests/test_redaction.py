"""A key that an answer repeats in its headers or its body, in any spelling, is found nowhere afterwards."""

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr

from expectations.errors import SourceRefused
from flows.http import KEPT_HEADERS
from flows.redaction import INSTEAD, Redaction
from tests.wire import Asker, answering, sized

KEY = 'planted+key/7&é"'
EVERY = "".join(f"%{byte:02X}" for byte in KEY.encode())
IN_BASE64 = {
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in base64 for addresses": base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
    "in base64 after a": base64.b64encode(b"a" + KEY.encode()).decode(),
    "in base64 as a password": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "in base64 before more": base64.b64encode(f"ab{KEY}, and more".encode()).decode(),
}
SPELT = {
    "as it is": KEY,
    "as a form": quote_plus(KEY),
    "percent": quote(KEY, safe=""),
    "percent with slashes": quote(KEY),
    "percent with small digits": "planted%2bkey%2f7%26%c3%a9%22",
    "all of it": EVERY,
    "all of it with small digits": EVERY.lower(),
    "in JSON": json.dumps(KEY)[1:-1],
    "in JSON as it is": json.dumps(KEY, ensure_ascii=False)[1:-1],
    "in JSON with slashes escaped": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "in HTML": html.escape(KEY),
    **IN_BASE64,
}


@pytest.mark.parametrize("how", SPELT)
@pytest.mark.parametrize("status", [200, 401])
def test_a_key_that_an_answer_repeats_is_not_kept(how: str, status: int, tmp_path: Path) -> None:
    spelt = SPELT[how].encode().decode("latin-1")  # as its bytes travel in a header
    # The characters at the edges of base64 depend on the neighbours too.
    core = SPELT[how][6:-6] if how in IN_BASE64 else SPELT[how]
    headers = [f"{name}: before {spelt} after" for name in KEPT_HEADERS if name != "retry-after"]
    body = f"the key {SPELT[how]} is no good".encode()
    with answering(sized(body, *headers, status=status)) as gateway:
        asker = Asker(gateway, tmp_path, key=SecretStr(KEY))
        told = ""
        if status in range(200, 300):
            told = asker.fetch().body.decode()
        else:
            with pytest.raises(SourceRefused) as refused:
                asker.fetch()
            told = str(refused.value)
    (snapshot,) = asker.archived()
    assert set(snapshot.headers) == set(KEPT_HEADERS) - {"retry-after"}
    for text in (told, *snapshot.headers.values(), snapshot.body.decode()):
        assert core not in text
        assert core.encode().decode("latin-1") not in text
        assert INSTEAD in text
    assert all(value.startswith("before ") and value.endswith(" after") for value in snapshot.headers.values())


def test_what_holds_no_key_stays_as_it_is(tmp_path: Path) -> None:
    assert Redaction(None).text(KEY) == KEY
    assert Redaction(SecretStr("")).body(b"abc") == b"abc"
    assert Redaction(SecretStr(KEY)).text("planted, key") == "planted, key"
    with answering(sized(b"[1]", "ETag: abc", "Date: Tue, 10 Dec 2024 00:30:00 GMT")) as gateway:
        asker = Asker(gateway, tmp_path, key=SecretStr(KEY))
        asker.fetch()
    (snapshot,) = asker.archived()
    assert snapshot.headers == {"etag": "abc", "date": "Tue, 10 Dec 2024 00:30:00 GMT"}


def test_no_error_leads_to_the_address_as_it_was_sent(tmp_path: Path) -> None:
    with answering(b"") as gateway:
        pass
    asker = Asker(gateway, tmp_path, key=SecretStr(KEY))
    with pytest.raises(Exception, match="expected an answer from") as refused:
        asker.fetch()
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
