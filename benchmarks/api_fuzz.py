"""Requests made up from the API's own document, by the thousand: none may be a fault, or answered as it does not say.

    python -m benchmarks.api_fuzz [--seed N] [--examples N]

Serves a tenant with a skill and a run of its own over a model server, and has schemathesis (in an environment of its
own) send examples, borders and random values of every parameter and body: once under the names of what is there, then
under any, whatever that deletes. Exits 1 where an answer was a 5xx, or of a status, type or body that the document does
not have.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from benchmarks.site import of_model_server, serving, temporary_home
from benchmarks.workload import model_server

TOOL = "schemathesis>=4.32,<5"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
MODELS = ["openai:gpt-4o-mini", "openai:gpt-4.1-mini"]
TEXT = "---\nname: weigh\ndescription: States what an item weighs, in one sentence.\n---\n\nState the weight.\n"
_UV = Path(sys.executable).with_name("uv")


def fill(address: str) -> dict[str, str]:
    """A skill with cases, a tied run and a suggestion; returns what stands for them in addresses."""
    with httpx.Client(base_url=f"{address}/v1", timeout=60) as client:

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = client.post(path, json=body)
            answer.raise_for_status()
            return answer.json()

        skill = post("/skills", {"prompt": TEXT})
        checks = [{"type": "regex", "value": "[a-z]"}]
        cases = [
            post("/skills/weigh/cases", {"input": f"Item {number}?", "expected": "120 g", "checks": checks})
            for number in range(8)
        ]
        run = post("/skills/weigh/runs", {"models": MODELS, "judge": "none", "arm": "with_skill"})
        client.get(f"/runs/{run['id']}/events")
        suggestion = post("/skills/weigh/suggestions", {"title": "Name the unit"})
    return {
        "skill": "weigh",
        "version": skill["version_digest"][:12],
        "run_id": run["id"],
        "case_id": cases[0]["id"],
        "item_id": cases[0]["id"],
        "suggestion_id": suggestion["id"],
    }


def fuzz(address: str, folder: Path, names: dict[str, str], *, seed: int, examples: int) -> tuple[int, bool]:
    """(requests made up, whether all was well) of one pass. Deleting is left out where names are given."""
    config, report = folder / "schemathesis.toml", folder / "report.json"
    lines = [f"{name} = {json.dumps(value)}" for name, value in names.items()]
    config.write_text("\n".join(["[parameters]", *lines, ""]))
    command = [str(_UV), "tool", "run", "--quiet", "--from", TOOL, "schemathesis", "--config-file", str(config)]
    command += ["run", f"{address}/v1/openapi.json", "--seed", str(seed), "-n", str(examples)]
    command += ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--continue-on-failure"]
    command += ["--request-timeout", "30", "--exclude-path", "/v1/runs/{run_id}/events"]
    command += ["--report", "json", "--report-json-path", str(report)]
    if names:
        command += ["--exclude-method", "DELETE"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    print(done.stdout[done.stdout.find("= SUMMARY") :] if done.returncode == 0 else done.stdout)
    made = re.search(r"([\d,]+) generated", done.stdout)
    return 0 if made is None else int(made[1].replace(",", "")), done.returncode == 0


def main() -> int:
    """Both passes; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=20_250_101)
    parser.add_argument("--examples", type=int, default=30, help="random requests of each operation, at most")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        temporary_home() as home,
        model_server(0.0) as models,
        serving(home, env=of_model_server(models)) as address,
    ):
        names = fill(address)
        passes = [fuzz(address, Path(folder), known, seed=given.seed, examples=given.examples) for known in (names, {})]
    print(f"{sum(made for made, _ in passes):,} requests made up from the document, seed {given.seed}.")
    return 0 if all(well for _, well in passes) else 1


if __name__ == "__main__":
    sys.exit(main())
