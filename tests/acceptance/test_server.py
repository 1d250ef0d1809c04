"""`--server URL`: the same commands on this machine and against a server, its keys, and a run that is left going."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner, Result

from benchmarks.site import of_model_server, serving
from benchmarks.workload import model_server, write_skill
from steelyard.bootstrap import open_workbench
from steelyard.cli.main import app
from steelyard.domain.access import Scope
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from tests.acceptance.conftest import Shell

TIED = ("--model", "openai:gpt-4o-mini", "--model", "openai:gpt-4.1-mini", "--judge", "none", "--arm", "with_skill")
MODELS = ("--model", "openai:model-a", "--model", "openai:gpt-5.4")
_VARYING = (
    (r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "<id>"),
    (r"\d{4}-\d\d-\d\d(?:[ T]| at )\d\d:\d\d(:[\d.]+)?(\+00:00)?", "<time>"),
    # Latencies are of this moment's machine.
    (r"\d+\.\d\d/\d+\.\d\d", "<latency>"),
    (r'("(latency_ms|ttft_ms)\w*"): [\d.]+', r"\1: <latency>"),
    # A team's server tells nobody where its files are.
    (
        r"Others go under\s+\[providers\.\w+\]\s+in\s+\S+|An admin adds\s+providers\s+under\s+Settings,\s+Providers\.",
        "<where>",
    ),
    # It moves with the month.
    (r'("projected_microcents"): \d+', r"\1: <projected>"),
)


@contextmanager
def team(home: Path, latency_s: float, **env: str) -> Generator[tuple[Shell, str]]:
    """A shell of the team's machine, and where its site is."""
    with (
        model_server(latency_s) as models,
        serving(home, env=of_model_server(models) | {"STEELYARD_MODE": "team"} | env) as site,
    ):
        yield Shell(home, models), site


@pytest.fixture(scope="module")
def place(server_home: Path, server: object) -> Iterator[tuple[Shell, str]]:
    with team(server_home, 0.0, STEELYARD_ALLOW_PRIVATE="127.0.0.0/8") as found:
        yield found


@pytest.fixture
def shell(place: tuple[Shell, str]) -> Shell:
    return place[0]


@pytest.fixture
def away(place: tuple[Shell, str], tmp_path: Path) -> Shell:
    """A shell of another home, whose commands ask the site by a key that may run."""
    return away_from(*place, tmp_path / "home")


def away_from(shell: Shell, site: str, home: Path) -> Shell:
    env = {"STEELYARD_SERVER": site, "STEELYARD_KEY": key_of(shell, "run")}
    return Shell(home, "http://127.0.0.1:9", env)


def same(text: str, run: str) -> str:
    """The output without what is another each time: `run` is the id that it is about."""
    text = text.replace(run, "<run>").replace(run[:8], "<run>")
    for pattern, shown in _VARYING:
        text = re.sub(pattern, shown, text)
    return text


def here(shell: Shell, *command: str, stdin: str | None = None) -> Result:
    """The command in this process: one for each of many would take a second to begin."""
    return CliRunner().invoke(app, command, stdin, env=shell.environment())


def key_of(shell: Shell, scope: str) -> str:
    return here(shell, "keys", "add", f"{scope} {uuid4().hex[:6]}", "--scope", scope).stdout.strip()


@pytest.mark.timeout(900)
def test_the_same_commands_say_the_same_here_and_against_a_server(shell: Shell, away: Shell, tmp_path: Path) -> None:
    """Two skills of one text, one added and run here, the other there; then each looked at from both."""
    name = f"weigh-{uuid4().hex[:8]}"
    skill = write_skill(tmp_path / name, 12)
    asked = ("run", str(skill), *MODELS, "--judge", "openai:judge")
    assert away.run("estimate", str(skill), *MODELS).returncode == 2
    added = away.run("skills", "add", str(skill))
    assert (added.returncode, added.stdout) == (0, shell.run("skills", "add", str(skill)).stdout)
    estimates = [one.run("estimate", str(skill), *MODELS, "--judge", "openai:judge") for one in (away, shell)]
    assert [one.returncode for one in estimates] == [0, 0]
    assert estimates[0].stdout == estimates[1].stdout
    assert estimates[0].stderr == estimates[1].stderr

    done = away.run(*asked, "--json", str(tmp_path / "there.json"))
    assert done.returncode == 0, done.stderr
    there = json.loads((tmp_path / "there.json").read_text())
    run = there["run"]["id"]
    shown = shell.run("runs", "show", run[:8])
    assert done.stdout == shown.stdout
    assert (there["run"]["status"], there["run"]["answered"]) == ("completed", 48)

    for command in (
        ("runs", "show", run[:8]),
        ("runs", "show", run[:8], "--json", "-", "--prices", "today"),
        ("runs", "list", "--skill", name),
        ("runs", "show", "ffffffff"),
        ("runs", "resume", run[:8]),
        ("skills", "show", name),
        ("skills", "list", "--json", "-"),
        ("skills", "delete", name),
        ("skills", "health", name, "--json", "-"),
        ("stale", name, "--json", "-"),
        ("production", name, "--json", "-"),
        ("spend", "--json", "-"),
        ("spend", "--month", "yesterday"),
        ("ratings", run[:8], "--csv", "-"),
        ("tie-break", run[:8], "--judge", "openai:judge"),
        ("cases", "list", name, "--json", "-"),
        ("cases", "list", name, "--pending"),
        ("cases", "history", name, "--limit", "3", "--json", "-"),
        ("cases", "history", "nobody-has-this-name"),
        ("cases", "accept", "ffffffff"),
        ("measurements", "unmatched"),
        # The same again uses every answer again, and costs nothing.
        ("run", str(skill), *MODELS, "--judge", "openai:judge", "--require", "best", "--quiet"),
        ("run", name, "--model", "openai:model-a", "--case-set", "none"),
    ):
        ours, theirs = here(shell, *command), here(away, *command)
        assert ours.exit_code == theirs.exit_code, (command, ours.stderr, theirs.stderr)
        assert same(ours.stdout, run) == same(theirs.stdout, run), command
    assert "Nobody has rated" in here(away, "ratings", run[:8]).stdout
    away.env["STEELYARD_KEY"] = key_of(shell, "admin")
    logs = [here(one, "audit", "--skill", name, "--json", "-", "--limit", "300") for one in (shell, away)]
    assert (logs[0].exit_code, logs[0].stdout) == (0, logs[1].stdout)
    # A limit is one of acts: none of them is cut.
    logs = [here(one, "audit", "--skill", name, "--limit", "2") for one in (shell, away)]
    assert (logs[0].exit_code, logs[0].stdout) == (0, logs[1].stdout)
    assert len([line for line in logs[0].stdout.splitlines() if line[:2] == "20"]) == 2
    logs = [here(one, "audit", "--skill", name, "--until", "2999-12-31") for one in (shell, away)]
    assert all(f"added 12 golden cases of {name}" in log.stdout for log in logs)
    gone = away.run("skills", "delete", name, "--yes")
    assert gone.returncode == 0
    assert gone.stdout.startswith(f"Deleted {name} with 1 version, 12 golden cases, ")
    assert not (away.home).exists(), "nothing of a server is kept here"


def uses_of(skill: Path, *tokens: int) -> Path:
    """A file of uses with those input tokens, each number one use."""
    head, use = "key,skill,model,measured_at,input_tokens,output_tokens", "openai:gpt-5.4,2026-07-01T00:00:00Z"
    rows = [head, *(f"{skill.name} {number},{skill.name},{use},{number},1" for number in tokens or (9,))]
    file = skill.parent / "uses.csv"
    file.write_text("\n".join([*rows, ""]))
    return file


def dealt_with(shell: Shell, skill: Path, *who: str) -> list[tuple[int, str, str]]:
    """What commands that change something of a skill end with and say; cases are decided on by `who`."""
    name, said = skill.name, list[tuple[int, str, str]]()

    def of(*command: str) -> str:
        done = here(shell, *command)
        out, err = (
            re.sub(rf"{name}|\b[0-9a-f]{{8,64}}\b", "<it>", same(text, "<>")) for text in (done.stdout, done.stderr)
        )
        # Drafts are made at one moment, and listed in any order.
        said.append((done.exit_code, "\n".join(sorted(out.splitlines())) if "--pending" in command else out, err))
        return done.stdout

    of("skills", "add", str(skill))
    of("cases", "propose", name, "--model", "openai:drafter", "--count", "2", *who)
    of("cases", "propose", name, *who)
    of("cases", "propose", name, "--model", "nobody:x", *who)
    of("cases", "list", name, "--pending")
    waiting = json.loads(here(shell, "cases", "list", name, "--pending", "--json", "-").stdout)["waiting"]
    whole, open_ = sorted(
        (one["id"] for one in waiting), key=lambda id: [not one["complete"] for one in waiting if one["id"] == id]
    )
    for command in (
        ("accept", open_[:8]),
        ("accept", whole[:8], "--reason", "Seen in use."),
        ("accept", whole),
        ("reject", whole, "--reason", " "),
        ("reject", whole[:13], "--reason", "Nobody has four."),
        ("reject", open_, "--reason", "No."),
    ):
        of("cases", *command, *who)
    for ref in (name, whole[:8]):
        # The oldest two, of the folder's cases, are by whoever added it.
        of("cases", "history", ref, "--limit", "5", "--json", "-")
    for tokens in ((9, -9, 9, -9), (-9,)):
        of("measurements", "import", str(uses_of(skill, *tokens)))
    for days in ("30", "soon", "default"):
        of("skills", "stale-after", days, "--skill", name)
    of("skills", "stale-after", "45")
    of("skills", "stale-after", "default")
    return said


def test_cases_uses_and_limits_are_dealt_with_there_as_here(shell: Shell, away: Shell, tmp_path: Path) -> None:
    """One command after the other, of one skill here and of its like there."""
    name = f"Ada {uuid4().hex[:6]}"
    away.env["STEELYARD_KEY"] = here(shell, "keys", "add", name, "--scope", "admin").stdout.strip()
    ours, theirs = (write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 2) for _ in range(2))
    said = dealt_with(shell, ours, "--who", name)
    assert said == dealt_with(away, theirs)
    codes = [code for code, _, _ in said]
    assert codes == [0, 0, 5, 2, 0, 2, 0, 2, 2, 0, 0, 0, 0, 2, 2, 0, 2, 0, 0, 0]
    assert "drafted 2 cases" in said[1][1]
    assert "accepted by" in said[9][1]
    assert name in said[11][1]
    assert "1 use kept, 1 known already, 2 refused." in said[13][1]
    left_out = here(away, "cases", "reject", "ffffffff", "--reason", "No.", "--who", "Bob").stderr
    assert "--who is left out" in left_out


def test_a_key_is_asked_for_what_it_may(shell: Shell, away: Shell, skill: Path, server: Server) -> None:
    reading, running = key_of(shell, "read"), key_of(shell, "run")
    del away.env["STEELYARD_KEY"]
    assert "asks for an API key, and none was sent" in here(away, "runs", "list").stderr
    away.env["STEELYARD_KEY"] = running
    assert here(away, "skills", "add", str(skill)).exit_code == 0
    assert "read the audit log" in here(away, "audit").stderr
    away.env["STEELYARD_KEY"] = reading
    assert skill.name in here(away, "skills", "list").stdout
    refused = here(away, "run", skill.name, *MODELS, "--judge", "openai:judge")
    assert refused.exit_code == 2
    assert "That takes the right to start paid calls" in refused.stderr
    case = json.loads(here(away, "cases", "list", skill.name, "--json", "-").stdout)["cases"][0]["id"]
    for right, command in {
        "start paid calls": ("cases", "propose", skill.name, "--model", "openai:drafter"),
        "accept or reject golden cases": ("cases", "reject", case[:8], "--reason", "No."),
        "set rules of staleness and notices": ("skills", "stale-after", "3", "--skill", skill.name),
        "send uses": ("measurements", "import", str(uses_of(skill))),
    }.items():
        done = here(away, *command)
        assert (done.exit_code, done.stdout) == (2, ""), command
        assert f"takes the right to {right}" in " ".join(done.stderr.split())
    away.env["STEELYARD_KEY"] = key_of(shell, "ingest")
    assert here(away, "runs", "list").exit_code == 2
    assert "1 use kept" in here(away, "measurements", "import", str(uses_of(skill))).stdout
    away.env["STEELYARD_KEY"] = f"{running[:-8]}aaaaaaaa"
    wrong = here(away, "runs", "list")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute(
            "UPDATE api_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day'"
        )
    away.env["STEELYARD_KEY"] = key_of(shell, "read")
    assert here(away, "runs", "list").exit_code == 0
    time.sleep(5.1)  # An answer about a key is good for so long.
    away.env["STEELYARD_KEY"] = reading
    expired = here(away, "runs", "list")
    assert (expired.exit_code, expired.stderr) == (2, wrong.stderr)


async def _key_of_another_tenant(shell: Shell) -> str:
    async with open_workbench(env=shell.environment()) as bench:
        tenant_id = uuid4()
        async with bench.database.tenant(tenant_id) as connection:
            await ensure_tenant(connection, tenant_id, f"other {tenant_id.hex[:6]}")
        return (await bench.api_keys.make(tenant_id, "theirs", [Scope.ADMIN])).text


def test_a_key_of_another_tenant_finds_and_changes_nothing(shell: Shell, away: Shell, skill: Path) -> None:
    made = away.run("run", str(skill), "--model", "openai:model-a", "--judge", "openai:judge", "--json", "-", "--quiet")
    assert made.returncode == 0, made.stderr
    run = json.loads(made.stdout)["run"]["id"]
    case = json.loads(here(shell, "cases", "list", skill.name, "--json", "-").stdout)["cases"][0]["id"]
    lost = uses_of(skill.parent / f"lost-{skill.name}")
    assert here(shell, "measurements", "import", str(lost)).exit_code == 0
    looks = (
        ("runs", "show", run),
        ("skills", "show", skill.name),
        ("audit", "--skill", skill.name, "--json", "-"),
        ("cases", "history", skill.name),
        ("measurements", "unmatched"),
    )
    before = [here(shell, *look).stdout for look in looks]
    away.env["STEELYARD_KEY"] = asyncio.run(_key_of_another_tenant(shell))
    for command in (
        *(("runs", word, one) for word in ("show", "resume", "cancel") for one in (run, run[:8])),
        ("ratings", run),
        ("run", skill.name, "--model", "openai:model-a"),
        ("estimate", skill.name, "--model", "openai:model-a"),
        ("stale", skill.name),
        ("production", skill.name),
        *(("skills", word, skill.name) for word in ("show", "health")),
        ("skills", "delete", skill.name, "--yes"),
        ("skills", "stale-after", "3", "--skill", skill.name),
        ("ratings", run, "--csv", "-"),
        ("tie-break", run, "--judge", "openai:judge"),
        ("cases", "list", skill.name),
        ("cases", "list", skill.name, "--pending"),
        ("cases", "propose", skill.name, "--model", "openai:drafter"),
        *(("cases", "history", one) for one in (skill.name, case, case[:8])),
        *(("cases", "accept", one) for one in (case, case[:8])),
        *(("cases", "reject", one, "--reason", "No.") for one in (case, case[:8])),
    ):
        done = here(away, *command)
        assert (done.exit_code, done.stdout) == (2, ""), (command, done.stdout, done.stderr)
    for command in (("runs", "list"), ("skills", "list"), ("stale",), ("spend",), looks[2], looks[4]):
        done = here(away, *command)
        assert (done.exit_code, skill.name in done.stdout, run[:8] in done.stdout) == (0, False, False), command
    assert [here(shell, *look).stdout for look in looks] == before


def test_login_keeps_a_key_that_is_let_in_for_its_owner_alone(shell: Shell, away: Shell) -> None:
    address = away.env.pop("STEELYARD_SERVER")
    del away.env["STEELYARD_KEY"]
    key = key_of(shell, "read")
    assert here(away, "login", address, stdin=f"{key[:-8]}aaaaaaaa\n").exit_code == 2
    assert not (away.home / "servers.toml").exists()
    assert here(away, "login", address, stdin=f"{key}\n").exit_code == 0
    kept = away.home / "servers.toml"
    assert (kept.stat().st_mode & 0o777, key in kept.read_text()) == (0o600, True)
    assert here(away, "--server", f"{address}/", "runs", "list").exit_code == 0
    kept.chmod(0o644)
    assert "chmod 600" in here(away, "--server", address, "runs", "list").stderr
    kept.chmod(0o600)
    assert here(away, "logout", address).exit_code == 0
    assert key not in kept.read_text()
    assert here(away, "logout", address).exit_code == 2


def test_an_interrupt_leaves_a_run_and_a_tie_break_going_there(
    server_home: Path, server: object, skill: Path, tmp_path: Path
) -> None:
    with team(server_home, 1.0) as (shell, site):
        away = away_from(shell, site, tmp_path / "home")
        assert here(away, "skills", "add", str(skill)).exit_code == 0
        process = away.start("run", skill.name, "--model", "openai:model-a", "--judge", "openai:judge")
        until = time.monotonic() + 60
        while not shell.seen()["in_flight"] and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
        assert process.returncode == 130, said
        assert "the run goes on at" in said
        run = newest(away, skill.name)
        assert f"steelyard runs cancel {run['id'][:8]}" in re.sub(r"\s+", " ", said)
        assert run["status"] == "running"
        assert out.strip()
        while run["status"] in ("pending", "running") and time.monotonic() < until:
            time.sleep(0.3)
            run = newest(away, skill.name)
        assert (run["status"], run["partial"]) == ("completed", False)
        tied = json.loads(here(away, "run", str(tied_skill(tmp_path)), *TIED, "--json", "-", "--quiet").stdout)["run"][
            "id"
        ][:8]
        asked = ("tie-break", tied, "--judge", "openai:gpt-4.1")
        process = away.start(*asked)
        until = time.monotonic() + 60
        while not shell.seen()["in_flight"] and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130, said
        assert "Interrupted; the tie-break goes on at" in " ".join(said.split())
        ours, theirs = (here(one, *asked) for one in (away, shell))
        assert (ours.exit_code, ours.stdout) == (0, theirs.stdout)
        assert "nobody is ahead" in ours.stdout


@pytest.mark.timeout(300)
def test_who_follows_a_run_is_told_that_its_provider_is_gone_and_sees_it_go_on_once_it_is_back(
    server_home: Path, server: object, tmp_path: Path
) -> None:
    # Any site of the home may take the run's jobs, so that all of them have to reach the provider.
    with team(server_home, 1.0, STEELYARD_ALLOW_PRIVATE="127.0.0.0/8") as (shell, site):
        shell.env["WORKSHOP_KEY"] = "sk-workshop-0123456789"
        address = ("--kind", "openai-compatible", "--base-url", f"{shell.address}/v1", "--key-env", "WORKSHOP_KEY")
        assert here(shell, "providers", "set", "workshop", *address).exit_code == 0
        away = away_from(shell, site, tmp_path / "home")
        skill = tied_skill(tmp_path, 150)
        process = away.start("run", str(skill), "--model", "workshop:model-a", "--judge", "none")
        try:
            until = time.monotonic() + 60
            while not shell.seen()["in_flight"] and time.monotonic() < until:
                time.sleep(0.05)
            gone = here(shell, "providers", "remove", "workshop")
            assert "1 run under way calls workshop" in gone.stdout
            assert process.stderr is not None
            said = list[str]()
            while "Nobody can serve" not in " ".join(said) and (line := process.stderr.readline()):
                said.append(line.strip())
            assert "There is no provider 'workshop'. Nobody can serve" in " ".join(said)
            run = newest(away, skill.name)
            assert "Nobody can serve this run now" in " ".join(here(away, "runs", "show", run["id"]).stdout.split())
            assert here(shell, "providers", "set", "workshop", *address).exit_code == 0
            out, _ = process.communicate(timeout=150)
        finally:
            process.kill()
        assert process.returncode == 0
        assert "Nobody can serve" not in out


@pytest.mark.timeout(300)
def test_prices_of_one_s_own_provider_are_given_here_and_on_a_server_alike(
    server_home: Path, server: object, tmp_path: Path
) -> None:
    with team(server_home, 0.0, STEELYARD_ALLOW_PRIVATE="127.0.0.0/8") as (shell, site):
        address = ("--kind", "openai-compatible", "--base-url", f"{shell.address}/v1", "--no-key")
        assert here(shell, "providers", "set", "foundry", *address).exit_code == 0
        away = Shell(
            tmp_path / "home",
            "http://127.0.0.1:9",
            {"STEELYARD_SERVER": site, "STEELYARD_KEY": key_of(shell, "admin")},
        )
        model = "foundry:model-a"
        try:
            given = ("--input", "0.2", "--output", "0.60000001", "--cache-read", "0", "--since", "2026-01-31")
            there = here(away, "providers", "set-price", model, *given)
            assert there.exit_code == 0, there.stderr
            assert "input 0.2, output 0.60000001, cache read 0, cache write as input" in " ".join(there.stdout.split())
            both = [here(one, "providers", "prices", "foundry", "--json", "-") for one in (shell, away)]
            assert json.loads(both[0].stdout) == json.loads(both[1].stdout)
            assert [one["model"] for one in json.loads(both[0].stdout)["prices"]] == [model]
            assert here(away, "providers", "prices").stdout == here(shell, "providers", "prices").stdout
            shown = " ".join(here(shell, "models", "price", model).stdout.split())
            assert "input 0.2, output 0.60000001, cache read 0, cache write 0.2" in shown
            assert "own since 2026-01-31" in shown
            wrong = here(away, "providers", "set-price", model, "--input", "0.123456789", "--output", "1")
            assert (wrong.exit_code, "more than 8 decimals" in wrong.stderr) == (2, True)
            assert here(away, "providers", "set-price", model, *given, "--tenant", "local").exit_code == 2
            nobodys = here(away, "providers", "set-price", "openai:model-a", *given)
            assert (nobodys.exit_code, "of your own" in " ".join(nobodys.stderr.split())) == (2, True)
            reader = Shell(away.home, away.address, away.env | {"STEELYARD_KEY": key_of(shell, "run")})
            refused = here(reader, "providers", "prices")
            assert refused.exit_code != 0
            assert "No prices of your own" not in refused.stdout
            assert here(away, "providers", "remove-price", model).exit_code == 0
            assert "price unknown" in here(shell, "models", "price", model).stdout
            assert here(shell, "providers", "remove-price", model).exit_code == 2
        finally:
            here(shell, "providers", "remove", "foundry")


def tied_skill(folder: Path, cases: int = 12) -> Path:
    """Cases whose one check everything passes, so that all models are tied."""
    skill = write_skill(folder / f"tied-{uuid4().hex[:8]}", cases)
    evals = json.loads((skill / "evals" / "evals.json").read_text())
    for one in evals["evals"]:
        del one["assertions"]
        one["checks"] = [{"type": "regex", "value": "[a-z]"}]
    (skill / "evals" / "evals.json").write_text(json.dumps(evals))
    return skill


def newest(shell: Shell, skill: str) -> dict[str, Any]:
    return json.loads(here(shell, "runs", "list", "--skill", skill, "--json", "-").stdout)["runs"][0]


@pytest.mark.parametrize(
    "command",
    [("serve",), ("worker",), ("migrate",), ("doctor",), ("models",), ("keys", "list"), ("stale", "--notify")],
    ids=" ".join,
)
def test_what_is_of_this_machine_refuses_a_server(command: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as home:
        alone = Shell(Path(home) / "none", "http://127.0.0.1:9")
        done = alone.run("--server", "http://127.0.0.1:9", *command)
        assert done.returncode == 2
        assert f"`steelyard {' '.join(command)}` works on this machine alone" in re.sub(r"\s+", " ", done.stderr)
        assert not alone.home.exists()
