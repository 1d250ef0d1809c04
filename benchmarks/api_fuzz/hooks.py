"""What schemathesis loads beside its own: it runs in an environment of its own, where nothing of ours is.

Notes of each answer its status (`FUZZ_NOTES`, a line each), checks that everybody gets what they may and nothing else
(`FUZZ_MAY`), keeps a key from revoking itself (`FUZZ_OWN`), and leads every address that the server would call to the
model server (`FUZZ_HOME`).
"""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

schemathesis: Any = importlib.import_module("schemathesis")

_NOTES = os.environ["FUZZ_NOTES"]
_MAY = frozenset(json.loads(os.environ["FUZZ_MAY"]))
_HOME = os.environ["FUZZ_HOME"]
_OWN = os.environ["FUZZ_OWN"]
_NO_ID = "00000000-0000-4000-8000-000000000000"
# The server calls what stands in these fields; without one, a vendor.
_CALLED = {"PUT /v1/providers/{name}": "base_url", "PUT /v1/settings/webhook": "url"}


@schemathesis.hook
def before_call(_: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Nothing but this machine is called, whatever is set, and whoever sends stays who they are."""
    if case.operation.label == "DELETE /v1/keys/{key_id}" and str(case.path_parameters.get("key_id")) == _OWN:
        case.path_parameters["key_id"] = _NO_ID
    field = _CALLED.get(case.operation.label)
    if field is None or not isinstance(case.body, dict):
        return
    given = case.body.get(field)
    if given is None or (isinstance(given, str) and given.strip().lower().startswith("http")):
        case.body[field] = _HOME


@schemathesis.hook
def after_call(_: Any, __: Any, response: Any) -> None:
    """Written at once, as the run may be broken off."""
    with open(_NOTES, "a", encoding="utf-8") as notes:
        notes.write(f"{response.status_code}\n")


@schemathesis.check
def only_what_it_may(_: Any, response: Any, case: Any) -> None:
    """What the table of rights does not give to whoever sends is not done, and what it gives is."""
    asked = f"{case.method.upper()} {case.operation.path}"
    if response.status_code < 400 and asked not in _MAY:
        raise AssertionError(f"{asked} was answered {response.status_code} to somebody who may not do it")
    if response.status_code in (401, 429) and asked in _MAY:
        raise AssertionError(f"{asked} was answered {response.status_code} to somebody who may do it")
