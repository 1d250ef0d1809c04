"""What the models of the browser tests answer: `hostile` with everything a page must withstand, a megabyte of it."""

from __future__ import annotations

import json

from tests.modelserver import Call, Reply
from tests.modelserver.judging import canary_reply

ATTACK = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'> [go](javascript:window.pwned=1)\n"
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp.exe\u202c \x00 <a href='/runs' data-keys='j'>x</a>\n"
    "</pre></article></main><style>*{display:none}</style>\n# A heading\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)
HOSTILE = ATTACK + "very long line " * 70_000


def reply(call: Call) -> Reply | None:
    return Reply(HOSTILE) if call.model == "hostile" else None


# Whatever of it runs, in whatever place, sets this; spelled out it shows that the text was there to be run.
FIRED = "window.fired=1"
SCRIPT = (
    f"\"'><script>{FIRED}</script><img src=x onerror={FIRED}><svg onload={FIRED}></svg>"
    f'<iframe srcdoc="<script>parent.{FIRED}</script>"></iframe><a href="javascript:{FIRED}">a</a>'
    f"<details open ontoggle={FIRED}></details><input autofocus onfocus={FIRED}><b hx-on:load={FIRED} hx-get=/x>b</b>"
    f'[c](javascript:{FIRED}) ![d](x"onerror="{FIRED}) <http://e.example/?{FIRED}> </textarea></title></style></script>'
)


def scripted(call: Call) -> Reply | None:
    """Every model answers with script."""
    return Reply(SCRIPT)


def scripted_judge(call: Call) -> Reply | None:
    """A judge whose every word is script."""
    asked = call.schema["properties"] if call.schema else {}
    count = int(asked["criteria"].get("minItems", 4)) if "criteria" in asked else 4
    if (graded := canary_reply(call.prompt)) is not None:
        return Reply(graded)
    criteria = [{"evidence": SCRIPT, "finding": SCRIPT, "level": 3} for _ in range(count)]
    told = {"criteria": criteria, "differences_from_expected": SCRIPT, "matches_expected": "partial", "notes": SCRIPT}
    return Reply(json.dumps(told))
