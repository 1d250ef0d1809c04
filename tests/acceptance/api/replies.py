"""What the model server replies to the API's walk: judges as ever, reviews and drafts by their schema."""

from __future__ import annotations

from benchmarks.workload import judge_reply
from tests.modelserver import Call, Reply


def schema_reply(call: Call) -> Reply | None:
    judged = call.schema is not None and "criteria" in call.schema.get("properties", {})
    return judge_reply(call) if judged else None
