"""The image, the compose file and the units agree with the program and with the page that explains them."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from steelyard.cli.main import app
from steelyard.domain.hosting import Mode
from steelyard.domain.reach import reach_of
from steelyard.providers.hosting_settings import Server
from steelyard.providers.openid_settings import openid_providers
from steelyard.vault.keys import MissingMasterKey, key_ring
from steelyard.vault.ring import new_key

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "deploy").glob("*.service"))
PINNED = re.compile(r"[a-z0-9./-]+:[a-z0-9][\w.-]*\Z")
# The words of systemd.exec(5), systemd.service(5), systemd.kill(5) and systemd.unit(5) that the units use.
DIRECTIVES = {
    "Unit": {"Description", "Wants", "After"},
    "Install": {"WantedBy"},
    "Timer": {"OnCalendar", "Persistent"},
    "Service": {
        *("Type", "User", "Group", "StateDirectory", "StateDirectoryMode", "Environment", "EnvironmentFile"),
        *(
            "ExecStart",
            "ExecStopPost",
            "Restart",
            "RestartSec",
            "KillMode",
            "TimeoutStartSec",
            "TimeoutStopSec",
            "UMask",
        ),
        *("UMask", "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectSystem", "ProtectHome"),
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
    plain = text.replace("$$", "")
    used = re.findall(r"\$\{(\w+)(:[?-])?", plain)
    assert "$" not in re.sub(r"\$\{[^}]*\}", "", plain)
    assert all(mark for _, mark in used), used
    assert [name for name, mark in used if mark == ":?" and f"`{name}`" not in PAGE] == []


def resolved(service: str, dotenv: Mapping[str, str]) -> dict[str, str]:
    """The variables of a service's container, given those of `.env`; what `steelyard.env` has is not among them."""
    return {
        name: re.sub(r"\$\{(\w+):[-?]([^}]*)\}", lambda found: dotenv.get(found[1]) or found[2], str(value))
        for name, value in compose()["services"][service]["environment"].items()
    }


def documented() -> set[str]:
    """The variables of ours that the page names, `_NAME` after a longer one being another of its kind."""
    named = set(re.findall(r"\bSTEELYARD_[A-Z_]*[A-Z]\b", PAGE))
    return named | {f"STEELYARD_OPENID{name}" for name in re.findall(r"`(_[A-Z_]+)`", PAGE)}


@pytest.mark.parametrize("service", ["web", "worker"])
def test_every_variable_the_page_names_reaches_the_containers(service: str) -> None:
    dotenv = {name: f"value of {name}" for name in documented()}
    reach = resolved(service, dotenv)
    elsewhere = {
        "STEELYARD_HOME",  # the image's
        "STEELYARD_ADMIN_DATABASE_URL",  # the migration's alone
        "STEELYARD_OPENID_ACME_SECRET",  # a name that is chosen: of steelyard.env
    }
    assert len(dotenv) > 15
    assert {name: reach.get(name) for name in dotenv.keys() - elsewhere} == {
        name: dotenv[name] for name in dotenv.keys() - elsewhere
    }
    assert compose()["services"][service]["env_file"] == [{"path": "steelyard.env", "required": False}]
    assert "`steelyard.env`" in PAGE


def test_what_a_container_is_not_given_is_as_if_not_set_and_what_it_is_given_makes_a_team(tmp_path: Path) -> None:
    empty = resolved("web", {})
    assert Server().hosting(empty) == Server().hosting({})
    assert (openid_providers({}, empty), reach_of(empty)) == ([], reach_of({}))
    with pytest.raises(MissingMasterKey):
        key_ring(tmp_path, empty, may_make=False)
    key = new_key()
    given = resolved(
        "web",
        {
            "STEELYARD_MODE": "team",
            "STEELYARD_PUBLIC_URL": "https://steelyard.example",
            "STEELYARD_TRUSTED_PROXIES": "172.18.0.1,10.0.0.0/24",
            "STEELYARD_SECRET_KEY": key,
            "STEELYARD_OPENID_ISSUER": "https://id.acme.example",
            "STEELYARD_OPENID_CLIENT_ID": "steelyard",
        },
    )
    hosting = Server().hosting(given)
    assert (hosting.mode, hosting.proxies) == (Mode.TEAM, ("172.18.0.1", "10.0.0.0/24"))
    assert [provider.issuer for provider in openid_providers({}, given)] == ["https://id.acme.example"]
    assert len(key_ring(tmp_path, given, may_make=False).ids) == 1


def test_the_door_believes_the_proxies_that_the_site_believes_and_by_default_nobody() -> None:
    door = compose()["services"]["door"]
    text = compose()["configs"]["door"]["content"].replace("$$", "$")
    assert re.search(r"reverse_proxy 127\.0\.0\.1:8765 \{[^}]*\n\s+trusted_proxies \{\$TRUSTED\}\n", text)
    assert "private_ranges" not in text
    *shell, line = door["command"]
    assert (shell, line.count("exec caddy run --config /etc/caddy/Caddyfile")) == (["sh", "-c"], 1)
    for told, ranges in (("172.18.0.1, 10.0.0.0/24", ["172.18.0.1", "10.0.0.0/24"]), ("", [])):
        # As Compose gives it to the container, with the program that it starts put in the place of Caddy.
        script = re.sub(r"exec caddy .*", "exec sh -c 'echo \"$TRUSTED\"'", line.replace("$$", "$"))
        env = {"PATH": os.environ["PATH"], **resolved("door", {"STEELYARD_TRUSTED_PROXIES": told})}
        said = subprocess.run([*shell, script], env=env, capture_output=True, text=True, check=True).stdout
        assert said.split() == ranges


class Unit(configparser.RawConfigParser):
    """Reads a unit of systemd, whose names are told apart by their letters' case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def read(unit: Path) -> Unit:
    parser = Unit(strict=False, comment_prefixes="#", interpolation=None)
    parser.read(unit, encoding="utf-8")
    for section in parser.sections():
        assert set(parser[section]) <= DIRECTIVES[section]
    assert f"deploy/{unit.name}" in PAGE
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_there_is_and_is_shut_off(unit: Path) -> None:
    service = read(unit)["Service"]
    for name in ("ExecStart", "ExecStopPost"):
        if name in service:
            program, *words = shlex.split(service[name])
            if program == "/bin/sh":
                _, program, *words = shlex.split(re.sub(r"\$\$\([^)]*\)", "now", words[1]))
            assert program == "/opt/steelyard/bin/steelyard"
            check_command(words)
    shut = ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelModules", "LockPersonality")
    assert {service[name] for name in shut} == {"yes"}
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")
    assert service["User"] not in ("root", "")
    # Longer than calls in flight may take, or systemd would end the process before it is done.
    grace = next(parameter for parameter in _options("serve") if parameter.name == "grace").default
    assert service["Type"] == "oneshot" or float(service["TimeoutStopSec"]) > grace


def test_the_timer_takes_a_backup_with_the_environment_and_the_home_of_the_site(tmp_path: Path) -> None:
    """The command as systemd runs it: its own marks read, the files' lines as variables, no shell between."""
    timer = read(ROOT / "deploy" / "steelyard-backup.timer")
    assert (timer["Timer"]["OnCalendar"], timer["Install"]["WantedBy"]) == ("*-*-* 03:15:00", "timers.target")
    text = (ROOT / "deploy" / "steelyard-backup.service").read_text(encoding="utf-8")
    site = (ROOT / "deploy" / "steelyard.service").read_text(encoding="utf-8")
    for line in re.findall(r"^(?:User|Environment|EnvironmentFile)=.*", site, re.M):
        assert f"\n{line}\n" in text
    stub = tmp_path / "steelyard"
    stub.write_text('#!/bin/sh\necho "$DATABASE_URL $STEELYARD_HOME $1 $2"\n', encoding="utf-8")
    stub.chmod(0o755)
    command = re.findall(r"^ExecStart=(.*)", text, re.M)[0].replace("%%", "%").replace("$$", "$")
    words = [word.replace("/opt/steelyard/bin/steelyard", str(stub)) for word in shlex.split(command)]
    given = dict(re.findall(r"^Environment=(\w+)=(.*)", text, re.M))
    env = {"PATH": os.environ["PATH"], **given, "DATABASE_URL": "postgresql://there"}
    said = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(
        r"postgresql://there /var/lib/steelyard-home backup"
        r" /var/lib/steelyard-backups/\d{4}-\d\d-\d\d-\d{6}\.backup\n",
        said,
    )
    assert "steelyard-backups" in re.findall(r"^StateDirectory=(.*)", text, re.M)[0].split()
    assert ". /etc/steelyard/environment" not in PAGE


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
