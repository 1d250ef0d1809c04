"""What the model server says to the other tools: a verdict in the shape each judge prompt asks for, else prose."""

from __future__ import annotations

import json

from tests.modelserver import Call, Reply

JUDGE = "judge"
_FOUND = "The item is named and its weight stands there with a unit."


def reply(call: Call) -> Reply | None:
    """A call without a schema: the judge's verdict as text; None leaves an answer to the server's own prose."""
    if call.model != JUDGE:
        return None
    return Reply(f"{_FOUND}\n\nGRADE: C") if "GRADE:" in call.prompt else verdict(call)


def verdict(_call: Call) -> Reply:
    """A verdict as the JSON that promptfoo and pydantic-evals both read."""
    return Reply(json.dumps({"reason": _FOUND, "pass": True, "score": 0.8}))
