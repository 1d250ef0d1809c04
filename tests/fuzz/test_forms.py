"""Whatever a form is sent as: its fields, or an error for a person; never a fault."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError
from steelyard.skills.uploads import read_folder
from steelyard.web.forms import files, read_form, text, texts
from tests.fuzz.damage import at_most, damaged, fuzzed
from tests.fuzz.test_intake import request_of

PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\nabc\r\n'
    b'--b\r\nContent-Disposition: form-data; name="files"; filename="x/SKILL.md"\r\nContent-Type: text/markdown\r\n\r\n'
    b'Say hello.\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="x/a.md"\r\n\r\n\r\n--b--\r\n'
)
QUERY = b"name=weigh&text=a%20b%00%ff&text=%F0%9F%98%80&text=%zz&a=b;c=d&&=&csrf_token=abc"
KINDS = st.sampled_from(
    [
        "multipart/form-data; boundary=b",
        'multipart/form-data; boundary="b"; charset=no-such-charset',
        "multipart/form-data; boundary=b; charset=utf-16",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "b" * 300,
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-7",
        "text/plain",
        "",
        ";;",
    ]
)


@fuzzed
@given(KINDS | st.text(max_size=30), damaged([PARTS, QUERY]))
def test_a_damaged_form(kind: str, body: bytes) -> None:
    async def read() -> None:
        form = await read_form(request_of(body, {"content-type": kind}))
        try:
            for name in ("csrf_token", "name", "text"):
                assert "\x00" not in text(form, name)
                texts(form, name)
            found = files(form, "files")
            if found:
                await read_folder(found)
        finally:
            await form.close()

    with at_most(2):
        try:
            asyncio.run(read())
        except InputError as error:
            str(error).encode("utf-8", "replace")
