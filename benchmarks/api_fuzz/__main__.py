"""Requests made up from the API's own document, by the thousand: none may be a fault, or answered as it does not say.

    python -m benchmarks.api_fuzz [--requests N] [--seed N] [--examples N]

Serves a team's tenant with a skill and a run of its own over a model server, and has schemathesis (in an environment
of its own) send examples, borders and random values of every parameter and body: as each role and scope, signed out
and by a revoked key, each in turns under the names of what is there and under any, whatever that deletes, until
everybody has sent their share. Exits 1 where an answer was a 5xx, of a status, type or body that the document does not
have, or given to somebody who may not have it. With the usual number of requests it writes the table of docs/api.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.api_fuzz.senders import Sender, fill, make_senders
from benchmarks.site import of_model_server, serving, temporary_home
from benchmarks.workload import ROOT, model_server, write_between
from steelyard.api.nouns import openapi, operations
from steelyard.domain.reach import VARIABLE

TOOL = "schemathesis>=4.32,<5"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "only_what_it_may",
)
REQUESTS, SEED, EXAMPLES = 20_000, 20_250_101, 5
# Reviews and drafts come to something as well.
REPLIES = ("--schema-reply", "tests.acceptance.api.replies:schema_reply")
# The values at the borders of everything take some 4,000 requests; a sender who is to send fewer goes without.
OF_BORDERS = 2_000
_UV = Path(sys.executable).with_name("uv")


@dataclass
class Sent:
    """What one sender's requests came to: how many got each status, and what was wrong, by operation and check."""

    who: str
    statuses: Counter[int] = field(default_factory=Counter[int])
    failures: Counter[str] = field(default_factory=Counter[str])

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def row(self) -> str:
        """Its line of the table."""
        classes = Counter[str]()
        for status, count in self.statuses.items():
            classes[str(status) if status in (401, 403, 429) else f"{status // 100}xx"] += count
        columns = (f"{classes[name]:,}" for name in ("2xx", "401", "403", "429", "4xx", "5xx"))
        return f"| {self.who} | {self.requests:,} | {' | '.join(columns)} | {self.failures.total():,} |"


def fuzz(
    address: str,
    models: str,
    folder: Path,
    sender: Sender,
    names: Mapping[str, str],
    *,
    borders: bool,
    seed: int,
    examples: int,
) -> Sent:
    """One pass through the document. Under `names` deleting is left out."""
    config, schema, notes, report = (folder / name for name in ("config.toml", "openapi.json", "notes", "report.json"))
    quoted = [f"{name} = {json.dumps(value)}" for name, value in names.items()]
    headers = ", ".join(f"{name} = {json.dumps(value)}" for name, value in sender.headers.items())
    config.write_text("\n".join([f"headers = {{ {headers} }}", "[parameters]", *quoted, ""]))
    schema.write_text(json.dumps(openapi()))
    shutil.copy(Path(__file__).with_name("hooks.py"), folder / "fuzz_hooks.py")
    notes.touch()
    command = [str(_UV), "tool", "run", "--quiet", "--from", TOOL, "schemathesis", "--config-file", str(config)]
    command += ["run", str(schema), "--url", address, "--seed", str(seed), "-n", str(examples)]
    command += ["--phases", "examples,coverage,fuzzing" if borders else "examples,fuzzing"]
    command += ["--checks", ",".join(CHECKS), "--continue-on-failure", "--request-timeout", "30"]
    command += ["--generation-with-security-parameters", "false", "--exclude-path", "/v1/runs/{run_id}/events"]
    command += ["--report", "json", "--report-json-path", str(report)]
    if names:
        command += ["--exclude-method", "DELETE"]
    env = {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "FUZZ_NOTES": str(notes), "FUZZ_HOME": models}
    env["FUZZ_OWN"] = sender.key_id
    env |= {"FUZZ_MAY": json.dumps(sorted(sender.may)), "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=os.environ | env)
    sent = Sent(sender.who, Counter(int(line) for line in notes.read_text().split()))
    if done.returncode == 0:
        return sent
    print(done.stdout, done.stderr, sep="\n", flush=True)
    found = json.loads(report.read_text()) if report.exists() else {"failures": [], "errors": []}
    for one in found["failures"]:
        sent.failures[f"{one['title']}: {', '.join(one['operations'])}"] += one["count"]
    for one in found["errors"]:
        sent.failures[one["title"]] += one["count"]
    if not sent.failures:
        sent.failures[f"It ended with {done.returncode}"] += 1
    return sent


def share(
    address: str, models: str, sender: Sender, names: Mapping[str, str], *, requests: int, seed: int, examples: int
) -> Sent:
    """Passes of one sender until `requests` are sent: under the names of what is there, then under any, and again."""
    whole = Sent(sender.who)
    turn = 0
    while turn < 2 or whole.requests < requests:
        with tempfile.TemporaryDirectory() as folder:
            known = {} if turn % 2 else names
            borders = turn == 0 and requests >= OF_BORDERS
            one = fuzz(
                address, models, Path(folder), sender, known, borders=borders, seed=seed + turn, examples=examples
            )
        whole.statuses.update(one.statuses)
        whole.failures.update(one.failures)
        turn += 1
        if not one.requests:
            whole.failures["Nothing was sent"] += 1
            break
    print(f"{whole.who}: {whole.requests:,} requests, {whole.failures.total():,} failures.", flush=True)
    return whole


def table(found: Sequence[Sent], seed: int) -> str:
    """What everybody's requests came to, for docs/api.md."""
    rows = [one.row() for one in found]
    whole = Sent("**all**")
    for one in found:
        whole.statuses.update(one.statuses)
        whole.failures.update(one.failures)
    return "\n".join(
        [
            f"`make fuzz-api`, {datetime.now(UTC):%d %B %Y}: {whole.requests:,} requests over {len(operations())}"
            f" operations, seed {seed}; {whole.failures.total():,} failures.",
            "",
            "| who | requests | 2xx | 401 | 403 | 429 | other 4xx | 5xx | failures |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
            *rows,
            whole.row(),
        ]
    )


def main() -> int:
    """Everybody's passes and their table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--requests",
        type=int,
        default=REQUESTS,
        help="in all, at least (20,000); everybody's share is made of whole passes",
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="random requests of each operation in a pass")
    given = parser.parse_args()
    with temporary_home() as home, model_server(0.0, *REPLIES) as models:
        senders, names = asyncio.run(make_senders(home))
        env = of_model_server(models) | {"STEELYARD_MODE": "team", VARIABLE: "127.0.0.1"}
        with serving(home, env=env) as address:
            names |= fill(address, senders[-1], models)
            part = math.ceil(given.requests / len(senders))
            found = [
                share(address, models, one, names, requests=part, seed=given.seed, examples=given.examples)
                for one in senders
            ]
    text = table(found, given.seed)
    print(text)
    failures = [f"{one.who}: {name}, {count:,} times" for one in found for name, count in one.failures.items()]
    if (given.requests, given.seed, given.examples) == (REQUESTS, SEED, EXAMPLES) and not failures:
        write_between(ROOT / "docs" / "api.md", "fuzz", text)
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
