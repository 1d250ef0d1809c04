"""The image, the compose file and the units agree with the program and with the page that explains them."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from steelyard.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "deploy").glob("*.service"))
PINNED = re.compile(r"[a-z0-9./-]+:[a-z0-9][\w.-]*\Z")
# The words of systemd.exec(5), systemd.service(5), systemd.kill(5) and systemd.unit(5) that the units use.
DIRECTIVES = {
    "Unit": {"Description", "Wants", "After"},
    "Install": {"WantedBy"},
    "Service": {
        *("Type", "User", "Group", "StateDirectory", "StateDirectoryMode", "Environment", "EnvironmentFile"),
        *("ExecStart", "ExecStopPost", "Restart", "RestartSec", "KillMode", "TimeoutStopSec", "UMask"),
        *("NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectSystem", "ProtectHome"),
        *("ProtectProc", "ProtectClock", "ProtectHostname", "ProtectControlGroups", "ProtectKernelLogs"),
        *("ProtectKernelModules", "ProtectKernelTunables", "PrivateTmp", "PrivateDevices", "RestrictAddressFamilies"),
        *("RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality"),
        *("SystemCallArchitectures", "SystemCallFilter", "SystemCallErrorNumber"),
    },
}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined, comments left out."""
    text = "\n".join(
        line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    )
    joined = text.replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def check_command(words: list[str]) -> None:
    """A command of ours with options it has; fails the test otherwise."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("steelyard", list(words), resilient_parsing=True)
    name, inner, rest = command.resolve_command(context, list(words))
    assert inner is not None, words
    # Refuses options that are not there, and values that are none.
    inner.make_context(name, rest)


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_the_image_copies_what_is_there_runs_as_nobody_special_and_is_watched() -> None:
    found = instructions()
    stages = [rest.split() for word, rest in found if word == "FROM"]
    assert all(PINNED.match(stage[0]) and not stage[0].endswith(":latest") for stage in stages)
    named = {stage[2] for stage in stages if len(stage) == 3}
    assert {word for word, _ in found} <= {
        *("FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    }
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    ]
    for rest in (rest for word, rest in found if word == "COPY"):
        *sources, _ = (part for part in shlex.split(rest) if not part.startswith("--"))
        stage = re.search(r"--from=(\S+)", rest)
        if stage is not None:
            assert stage[1] in named
        else:
            assert [source for source in sources if not (ROOT / source).exists() or source not in kept] == []
    last = [(word, rest) for word, rest in found if word in ("FROM", "USER")][-1]
    assert last[0] == "USER"
    assert last[1].split(":")[0] not in ("root", "0")
    words = dict(found)
    assert "/healthz" in words["HEALTHCHECK"]
    assert (words["ENTRYPOINT"], words["STOPSIGNAL"]) == ('["steelyard"]', "SIGTERM")
    check_command(yaml.safe_load(words["CMD"]))


def test_every_file_the_build_names_is_copied_into_the_image() -> None:
    """pyproject.toml's readme, licence, hook, packages and examples: a build without one of them fails."""
    copied = {part for word, rest in instructions() if word == "COPY" and "--from" not in rest for part in rest.split()}
    assert {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "hatch_build.py", "src", "examples"} <= copied


def test_the_services_are_whole_and_shut_off() -> None:
    found = compose()
    services: dict[str, Any] = found["services"]
    for name, service in services.items():
        assert PINNED.match(service["image"]), name
        assert not service.get("privileged"), name
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in found["volumes"]
        assert {config["source"] for config in service.get("configs", [])} <= set(found["configs"])
        # Nothing is open beyond this machine: there is no sign-in.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        if service.get("build"):
            check_command(service["command"])
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
            assert "steelyard" in service["environment"]["DATABASE_URL"]
    assert services["worker"]["healthcheck"]["test"][-1].count(":9100/healthz") == 1
    assert services["web"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_every_variable_of_the_compose_file_is_needed_or_may_be_empty_and_is_explained() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    plain = re.sub(r"\$\$\w+", "", text)
    used = re.findall(r"\$\{(\w+)(:[?-])?", plain)
    assert "$" not in re.sub(r"\$\{[^}]*\}", "", plain)
    assert all(mark for _, mark in used), used
    assert [name for name, mark in used if mark == ":?" and f"`{name}`" not in PAGE] == []


class Unit(configparser.RawConfigParser):
    """Reads a unit of systemd, whose names are told apart by their letters' case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_there_is_and_is_shut_off(unit: Path) -> None:
    parser = Unit(strict=False, comment_prefixes="#", interpolation=None)
    parser.read(unit, encoding="utf-8")
    for section in parser.sections():
        assert set(parser[section]) <= DIRECTIVES[section]
    service = parser["Service"]
    for name in ("ExecStart", "ExecStopPost"):
        if name in service:
            program, *words = shlex.split(service[name])
            assert program == "/opt/steelyard/bin/steelyard"
            check_command(words)
    shut = ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelModules", "LockPersonality")
    assert {service[name] for name in shut} == {"yes"}
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")
    assert service["User"] not in ("root", "")
    # Longer than calls in flight may take, or systemd would end the process before it is done.
    grace = next(parameter for parameter in _options("serve") if parameter.name == "grace").default
    assert float(service["TimeoutStopSec"]) > grace
    assert f"deploy/{unit.name}" in PAGE


def _options(name: str) -> list[Any]:
    command: Any = typer.main.get_command(app)
    return command.commands[name].params


def _named(pattern: str) -> Iterator[str]:
    return (found[1] for found in re.finditer(pattern, PAGE))


def test_the_page_names_commands_and_files_that_are_there() -> None:
    for line in _named(r"`steelyard ([^`]+)`"):
        check_command([word for word in shlex.split(line) if word != "FILE"] + ["f"] * ("FILE" in line))
    assert [name for name in _named(r"\]\(([\w./-]+\.md)") if not (ROOT / "docs" / name).exists()] == []


def test_every_metric_the_page_names_is_counted() -> None:
    source = (ROOT / "src/steelyard/services/metrics.py").read_text(encoding="utf-8")
    named = {name.removesuffix("_total") for name in _named(r"\| `(steelyard_\w+)`")}
    counted = set(re.findall(r'"(steelyard_\w+)"', source))
    assert named == counted
