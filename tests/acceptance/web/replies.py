"""What the model server answers in browser tests: hostile outputs and a judge that quotes them."""

from __future__ import annotations

import json

from benchmarks.workload import judge_reply
from tests.modelserver import Call, Reply

QUOTE = "<script>document.title = 'owned'; alert(1)</script>"
ATTACK = (
    f"{QUOTE}\n<img src=x onerror=\"document.title='owned'\">\n</pre></mark></div><svg/onload=alert(1)>\n"
    "[press](javascript:alert(1)) ![seen](https://evil.example/pixel.png)\n"
    "<style>body{display:none}</style><iframe srcdoc='<script>alert(1)</script>'></iframe>\n"
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07here\x1b]8;;\x07\n"
    "invoice-\u202egnp.exe \u2066\u2069\u200b\ufeff\n"
    "<form action='https://evil.example' method=post><input name=csrf_token></form>\n"
)
SIZE = 1_000_000


def reply(call: Call) -> Reply | None:
    """The model `hostile` answers with a megabyte of attacks; the others as the server does by itself."""
    if call.model != "hostile":
        return None
    return Reply((ATTACK + "<b>weighs</b> 120 g. " * (SIZE // 21))[:SIZE])


def schema_reply(call: Call) -> Reply:
    """A judge whose first finding quotes the attack, in what it says as well."""
    graded = json.loads(judge_reply(call).text)
    graded["criteria"][0] |= {"evidence": QUOTE, "finding": f"It says {QUOTE}"}
    graded["notes"] = ATTACK
    return Reply(json.dumps(graded))
