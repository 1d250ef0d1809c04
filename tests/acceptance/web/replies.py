"""What the models of the browser tests answer: `hostile` with everything a page must withstand, a megabyte of it."""

from __future__ import annotations

from tests.modelserver import Call, Reply

ATTACK = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'> [go](javascript:window.pwned=1)\n"
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp.exe\u202c \x00 <a href='/runs' data-keys='j'>x</a>\n"
    "</pre></article></main><style>*{display:none}</style>\n# A heading\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)
HOSTILE = ATTACK + "very long line " * 70_000


def reply(call: Call) -> Reply | None:
    return Reply(HOSTILE) if call.model == "hostile" else None
