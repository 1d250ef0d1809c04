"""Nothing paid is lost: killed anywhere and resumed, a run ends with the same cells."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from benchmarks.workload import write_skill
from steelyard.storage.embedded import status, stop
from steelyard.storage.server import Server, ready_server
from tests.acceptance.conftest import Shell

pytestmark = pytest.mark.alone

CONCURRENCY = 20
KILLS = 20
# What a judge is examined on where every case has an expected output of its own with a number in it.
CANARIES = 11
# A reply on its way to the worker, or in the group about to be committed, is in flight still.
SAVING_S = 0.5


def cells(server: Server, skill: str) -> list[tuple[object, ...]]:
    """Every cell of the skill's runs, as a person would compare them."""
    with psycopg.connect(server.admin_dsn) as connection:
        return connection.execute(
            """SELECT b.model_name, b.arm, b.test_case_index, b.trial, b.cell_digest, b.output_produced, b.state
                 FROM benchmark_results b JOIN benchmark_runs r ON r.id = b.benchmark_run_id
                 JOIN skills s ON s.id = r.skill_id WHERE s.name = %s ORDER BY 1, 2, 3, 4""",
            (skill,),
        ).fetchall()


def money(server: Server, skill: str) -> tuple[int, int]:
    """(spent on the runs, sum over their cells, judgements and examinations) of the skill, in microcents."""
    with psycopg.connect(server.admin_dsn) as connection:
        row = connection.execute(
            """SELECT sum(r.spent_microcents)::bigint,
                      sum(r.examined_microcents
                          + (SELECT coalesce(sum(b.estimated_cost_microcents) FILTER (WHERE b.reused_from IS NULL), 0)
                                      + sum(b.wasted_cost_microcents + b.judge_cost_microcents)
                             FROM benchmark_results b WHERE b.benchmark_run_id = r.id))::bigint
                 FROM benchmark_runs r JOIN skills s ON s.id = r.skill_id WHERE s.name = %s""",
            (skill,),
        ).fetchone()
    assert row is not None
    return row


def in_flight_at(kills: list[tuple[float, float]], shell: Shell) -> int:
    """How many calls were out as a process was killed; each kill is (signal sent, process gone)."""
    calls = shell.calls()
    return sum(
        arrived <= dead and (over is None or over >= sent - SAVING_S) for sent, dead in kills for arrived, over in calls
    )


def arguments(folder: Path) -> list[str]:
    models = [part for name in ("model-a", "model-b", "model-c") for part in ("--model", f"openai:{name}")]
    return ["run", str(folder), *models, "--judge", "openai:judge", "--concurrency", str(CONCURRENCY)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shell", [(0.1,)], indirect=True)
def test_a_run_killed_at_twenty_random_moments_ends_with_the_same_cells(
    shell: Shell, server: Server, tmp_path: Path
) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 100)
    rng = random.Random(20)
    kills: list[tuple[float, float]] = []
    for _ in range(KILLS):
        process = shell.start(*arguments(folder), "--quiet", stdout=None, stderr=None)
        # From before the database is reached to well into the calls.
        served = shell.seen()["served"] + rng.choice([-1, 1, 5, 20, 60])
        deadline = time.monotonic() + rng.uniform(1.0, 8.0)
        while time.monotonic() < deadline and shell.seen()["served"] < served and process.poll() is None:
            time.sleep(0.01)
        sent = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills.append((sent, time.monotonic()))
    in_flight = in_flight_at(kills, shell)
    report = shell.json(*arguments(folder))
    run, seen = report["run"], shell.seen()
    assert (run["planned"], run["answered"], run["judged"], run["status"]) == (600, 600, 600, "completed")
    found = cells(server, folder.name)
    assert len(found) == 600 == len({row[4] for row in found})
    assert seen["served"] - 1200 - CANARIES <= in_flight
    spent, summed = money(server, folder.name)
    assert spent == summed

    again = shell.json(*arguments(folder))
    assert again["run"]["reused"] == 600
    assert again["verdict"] == report["verdict"]
    assert shell.seen()["served"] == seen["served"]


@pytest.mark.parametrize("shell", [(0.3,)], indirect=True)
def test_killed_in_its_examination_a_judge_is_asked_again_only_for_what_was_in_flight(
    shell: Shell, server: Server, tmp_path: Path
) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 12)
    command = ["run", str(folder), "--model", "openai:gpt-4o-mini", "--judge", "openai:gpt-4o", "--concurrency", "2"]

    def asked() -> int:
        return shell.seen()["by_model"].get("gpt-4o", 0)

    kills: list[tuple[float, float]] = []
    for wanted in (3, 7):
        process = shell.start(*command, "--quiet", stdout=None, stderr=None)
        while asked() < wanted and process.poll() is None:
            time.sleep(0.01)
        sent = time.monotonic()
        process.kill()
        process.wait()
        kills.append((sent, time.monotonic()))
        assert asked() < CANARIES
    in_flight = in_flight_at(kills, shell)
    report = shell.json(*command)
    certificate, run = report["certificate"], report["run"]
    assert (certificate["result"], run["judged"], run["planned"]) == ("passed", 24, 24)
    assert asked() - CANARIES - 24 <= in_flight
    assert certificate["calls"] >= CANARIES
    spent, summed = money(server, folder.name)
    assert spent == summed > 0


@pytest.mark.parametrize("shell", [(0.1,)], indirect=True)
def test_two_workers_on_one_run_call_no_cell_twice(shell: Shell, server: Server, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 60)
    helper = shell.start("worker", "--concurrency", "10")
    try:
        report = shell.json(*arguments(folder))
    finally:
        helper.send_signal(signal.SIGINT)
        helper.communicate(timeout=60)
    seen = shell.seen()
    assert report["run"]["judged"] == 360
    assert seen["repeated_calls"] == 0
    assert seen["served"] == 720 + CANARIES


@pytest.mark.parametrize("shell", [(0.15,)], indirect=True)
def test_two_runs_that_want_the_same_cells_pay_for_them_once(shell: Shell, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 40)
    one = shell.start(*arguments(folder), "--arm", "with_skill", "--quiet", "--json", str(tmp_path / "one.json"))
    other = shell.start(*arguments(folder), "--margin", "3", "--quiet", "--json", str(tmp_path / "other.json"))
    for process in (one, other):
        process.communicate(timeout=120)
        assert process.returncode == 0
    first, second = (json.loads((tmp_path / name).read_text())["run"] for name in ("one.json", "other.json"))
    assert (first["answered"], second["answered"]) == (120, 240)
    assert first["reused"] + second["reused"] >= 120
    assert shell.seen()["repeated_calls"] == 0


@pytest.mark.parametrize("shell", [(0.2,)], indirect=True)
def test_interrupting_saves_what_is_in_flight_and_says_how_to_go_on(shell: Shell, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 60)
    process = shell.start(*arguments(folder))
    while shell.seen()["served"] < 30:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "steelyard runs resume" in out + err
    at_stop = shell.seen()
    assert at_stop["in_flight"] == 0
    report = shell.json(*arguments(folder))
    assert report["run"]["judged"] == 360
    assert shell.seen()["repeated_calls"] == 0
    assert shell.seen()["served"] == 720 + CANARIES


@pytest.mark.parametrize("shell", [(0.05,)], indirect=True)
def test_a_live_worker_takes_over_what_a_killed_command_left(shell: Shell, server: Server, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 100)
    process = shell.start(*arguments(folder), "--quiet")
    while shell.seen()["served"] < 60:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    worker = shell.start("worker")
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            rows = json.loads(shell.run("runs", "list", "--json", "-").stdout)["runs"]
            if next(row for row in rows if row["skill"] == folder.name)["status"] == "completed":
                break
            time.sleep(1)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    found = cells(server, folder.name)
    assert len(found) == 600
    assert {row[6] for row in found} == {"judged"}


@pytest.mark.parametrize("shell", [(0.3,)], indirect=True)
def test_a_database_restarted_under_a_run_costs_it_nothing(shell: Shell, server: Server, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 30)
    process = shell.start(*arguments(folder), "--quiet", "--fresh")
    while shell.seen()["served"] < 30:
        time.sleep(0.02)
    stop(shell.home)
    time.sleep(1)
    ready_server(shell.home, {})
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len(cells(server, folder.name)) == 180
    assert shell.seen()["served"] <= 360 + CANARIES + CONCURRENCY
    spent, summed = money(server, folder.name)
    assert spent == summed


@pytest.mark.parametrize("shell", [(0.3,)], indirect=True)
def test_a_database_killed_under_a_run_is_started_again_by_it(shell: Shell, server: Server, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 20)
    process = shell.start(*arguments(folder), "--quiet", "--fresh")
    while shell.seen()["served"] < 30:
        time.sleep(0.02)
    killed = status(shell.home).pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert status(shell.home).pid not in (None, killed)
    assert len(cells(server, folder.name)) == 120
    assert shell.seen()["served"] <= 240 + CANARIES + CONCURRENCY
    said = [line for line in err.splitlines() if line.strip()]
    assert len(said) <= 1, err
    assert not said or said[0].startswith("The database is away.")
