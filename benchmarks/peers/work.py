"""The work every tool is given, and one measured run of it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.replies import JUDGE
from benchmarks.throughput.__main__ import CONCURRENCY, MODELS
from benchmarks.workload import ASSERTIONS, model_server, stats, write_skill

LATENCY_S = 0.2
CASES = 100
CALLS = 2 * CASES * len(MODELS)
LIMIT_S = math.ceil(CALLS / CONCURRENCY) * LATENCY_S
_LAUNCH = Path(__file__).with_name("launch.py")


class NotMeasured(Exception):
    """A tool could not be installed, or did not do the whole work; the message says why, for a person."""


@dataclass(frozen=True)
class Tool:
    """A tool that is installed. `command` is what to run in the work's folder; `WORK` in it stands for the work's
    file; `env` is added to the environment."""

    name: str
    version: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    layout: str = ""


@dataclass(frozen=True)
class Spent:
    """One run of the whole work. Seconds, and MiB of the largest process; `at_once` is the most calls in flight."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    span_s: float
    at_once: int

    @property
    def in_flight(self) -> float:
        """Calls in flight on average, from the first call's arrival to the last one's answer."""
        return CALLS * LATENCY_S / self.span_s


def write_work(folder: Path, address: str, cases: int, layout: str) -> Path:
    """The work as one file: the skill's instructions and cases, the models, the judge and what it is asked."""
    skill = write_skill(folder / "weigh", cases)
    evals = json.loads((skill / "evals" / "evals.json").read_text())["evals"]
    work = {
        "base_url": f"{address}/v1",
        "models": MODELS,
        "judge": JUDGE,
        "concurrency": CONCURRENCY,
        "instructions": (skill / "SKILL.md").read_text().rsplit("---", 1)[1].strip(),
        "rubric": "; ".join(ASSERTIONS) + ".",
        "cases": [{"id": case["id"], "prompt": case["prompt"], "expected": case["expected_output"]} for case in evals],
        "layout": layout,
        "folder": str(folder),
        "report": str(folder / "report.json"),
    }
    file = folder / "work.json"
    file.write_text(json.dumps(work))
    return file


def run(tool: Tool, cases: int = CASES) -> Spent:
    """Do the work once in a new process against a new server; raise NotMeasured unless each call was really made."""
    with (
        tempfile.TemporaryDirectory(prefix="peers-") as name,
        model_server(
            LATENCY_S, "--reply", "benchmarks.peers.replies:reply", "--schema-reply", "benchmarks.peers.replies:verdict"
        ) as address,
    ):
        folder = Path(name)
        work = write_work(folder, address, cases, tool.layout)
        command = [str(work) if part == "WORK" else part for part in tool.command]
        launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(folder / "spent.json"), *command]
        log = folder / "log.txt"
        with log.open("wb") as output:
            subprocess.run(
                launch, cwd=folder, env=_environment(tool), stdout=output, stderr=subprocess.STDOUT, check=True
            )
        spent = json.loads((folder / "spent.json").read_text())
        seen = stats(address)
        report = folder / "report.json"
        if spent["code"] != 0 or not report.exists():
            said = log.read_text(errors="replace").strip()
            print(said[-2000:], file=sys.stderr)
            raise NotMeasured(f"ended with {spent['code']}: {''.join(said.splitlines()[-1:])}")
        check(seen, json.loads(report.read_text()), cases)
        return Spent(
            wall_s=spent["wall_s"],
            cpu_s=spent["cpu_s"],
            peak_mib=spent["peak_mib"],
            span_s=seen["span_s"],
            at_once=seen["max_in_flight"],
        )


def _environment(tool: Tool) -> dict[str, str]:
    """The person's own, without keys, addresses and proxies that would change where the calls go."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "PROMPTFOO_", "INSPECT_")) and not name.lower().endswith("_proxy")
    }
    return {**kept, **tool.env}


def check(seen: Mapping[str, Any], report: Mapping[str, Any], cases: int) -> None:
    """Raise NotMeasured unless the server answered each case of each model once, and a judge each of the answers."""
    wanted = dict.fromkeys(MODELS, cases) | {JUDGE: cases * len(MODELS)}
    if seen["by_model"] != wanted or seen["started"] != sum(wanted.values()):
        raise NotMeasured(f"called {seen['by_model']} ({seen['started']} calls), not {wanted}")
    if judged_in(report) != wanted[JUDGE]:
        raise NotMeasured(f"reports {judged_in(report)} verdicts, not {wanted[JUDGE]}")
    if seen["max_in_flight"] > CONCURRENCY:
        raise NotMeasured(f"had {seen['max_in_flight']} calls in flight, above the {CONCURRENCY} allowed")


def judged_in(report: Mapping[str, Any]) -> int:
    """Verdicts that reached the tool's own report: of ours and of promptfoo's format."""
    if "judged" in report:
        return report["judged"]
    return report["results"]["stats"]["successes"]
