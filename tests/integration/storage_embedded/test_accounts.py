"""Root, ordinary users and what each may reach: the server runs unprivileged and nothing is opened up for it."""

import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import binaries, ensure_running, layout, remove, status, stop
from steelyard.storage.embedded.account import SERVICE_UID, server_account
from steelyard.storage.embedded.binaries import Installation, from_environment, from_wheel
from tests.integration.storage_embedded.support import (
    NOBODY,
    Homes,
    act,
    answer_of,
    answers_of,
    needs_root,
    query,
    server_pid,
)

# What a container's root is left with by default; in particular no CAP_SYS_PTRACE and no CAP_DAC_READ_SEARCH.
CONTAINER_CAPABILITIES = (
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "net_bind_service",
    "net_raw",
    "sys_chroot",
    "mknod",
    "audit_write",
    "setfcap",
)


def modes_above(path: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in path.parents}


def modes_below(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in folder.rglob("*") if not path.is_symlink()}


def test_data_logs_and_socket_are_closed_to_others(home: Path) -> None:
    before = modes_above(home)
    endpoint = ensure_running(home)
    for folder in (endpoint.data_dir, endpoint.log_path.parent, Path(endpoint.host)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert modes_below(folder) == {0}
    assert modes_above(home) == before


@needs_root
def test_roots_server_runs_as_an_account_of_its_own(home: Path) -> None:
    endpoint = ensure_running(home)
    assert os.stat(f"/proc/{server_pid(endpoint)}").st_uid == SERVICE_UID
    assert {path.lstat().st_uid for path in endpoint.data_dir.rglob("*")} == {SERVICE_UID}
    assert endpoint.data_dir.is_relative_to(home)


@needs_root
def test_a_home_closed_to_the_servers_account_stays_closed_and_its_data_lives_elsewhere(homes: Homes) -> None:
    home = homes.new(mode=0o700)
    before = modes_above(home)
    endpoint = ensure_running(home)
    assert modes_above(home) == before
    assert endpoint.data_dir.is_relative_to(layout.SYSTEM_PLACE)
    place = endpoint.data_dir.parent
    assert (stat.S_IMODE(place.stat().st_mode), place.stat().st_uid) == (0o711, 0)
    assert (place / "home").read_text() == f"{home}\n"
    assert query(ensure_running(home), "SELECT 1") == [(1,)]
    remove(home)
    assert not place.exists()
    assert not (home / "postgres").exists()


@needs_root
def test_an_existing_home_keeps_its_mode(homes: Homes) -> None:
    home = homes.new()
    home.mkdir()
    home.chmod(0o750)
    endpoint = ensure_running(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o750
    assert endpoint.data_dir.is_relative_to(layout.SYSTEM_PLACE)


@needs_root
def test_an_ordinary_user_has_everything_in_the_home(homes: Homes) -> None:
    home = homes.new(mode=0o700, owner=NOBODY)
    first, second = (answer_of(act("ensure", home, user=NOBODY)) for _ in range(2))
    assert first["pid"] == second["pid"]
    assert first["data_dir"] == str(home / "postgres" / "data")
    assert os.stat(f"/proc/{first['pid']}").st_uid == NOBODY
    assert {path.lstat().st_uid for path in home.rglob("*")} == {NOBODY}
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
    os.kill(first["pid"], signal.SIGKILL)
    third = answer_of(act("ensure", home, user=NOBODY))
    assert third["pid"] != first["pid"]
    assert answer_of(act("stop", home, user=NOBODY)) == {"stopped": True}


@needs_root
def test_ten_racing_ordinary_starters_make_one_server(homes: Homes) -> None:
    home = homes.new(owner=NOBODY)
    answers = answers_of([act("ensure", home, user=NOBODY) for _ in range(10)])
    assert {answer.get("error") for answer in answers} == {None}
    assert len({answer["pid"] for answer in answers}) == 1


@needs_root
def test_a_user_without_a_name_is_told_so(homes: Homes) -> None:
    home = homes.new(owner=48_123)
    answer = answer_of(act("ensure", home, user=48_123))
    assert "uid 48123 has no user name" in answer["error"]
    assert not list((home / "postgres").glob("data*"))


@needs_root
def test_root_does_not_take_over_another_users_home(homes: Homes) -> None:
    home = homes.new(owner=NOBODY)
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    with pytest.raises(StorageError, match="belongs to another user"):
        ensure_running(home)
    assert list(home.iterdir()) == []


@needs_root
def test_an_ordinary_user_in_roots_home_is_told_what_is_wrong(homes: Homes) -> None:
    home = homes.new()
    ensure_running(home)
    stop(home)
    assert "Permission denied" in answer_of(act("ensure", home, user=NOBODY))["error"]


@needs_root
def test_a_containers_root_with_fewer_capabilities_starts_attaches_and_recovers(homes: Homes) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv to take capabilities away")
    kept = ",".join(f"+{name}" for name in CONTAINER_CAPABILITIES)
    prefix = [setpriv, f"--bounding-set=-all,{kept}", "--"]
    home = homes.new()
    first = answer_of(act("ensure", home, prefix=prefix))
    assert answer_of(act("ensure", home, prefix=prefix))["pid"] == first["pid"]
    os.kill(first["pid"], signal.SIGKILL)
    after = answer_of(act("ensure", home, prefix=prefix))
    assert after["pid"] not in (None, first["pid"])
    assert answer_of(act("stop", home, prefix=prefix)) == {"stopped": True}


@needs_root
def test_programs_the_servers_account_cannot_reach_are_copied_to_where_it_can(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (binaries, layout):
        monkeypatch.setattr(module, "SYSTEM_PLACE", homes.base / "system")
    closed = homes.base / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    shipped = next(iter(from_wheel()))
    for part in shipped.parts:
        shutil.copytree(shipped.base / part, closed / part, symlinks=True, copy_function=os.link)
    hidden = Installation(closed, closed / shipped.bin_dir.relative_to(shipped.base), shipped.parts)

    endpoint = ensure_running(homes.new(), locators=[lambda: [hidden]])

    assert query(endpoint, "SELECT 1") == [(1,)]
    program = Path(os.readlink(f"/proc/{server_pid(endpoint)}/exe"))
    assert program.is_relative_to(homes.base / "system")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_the_folder_named_in_the_environment_comes_first_and_alone(
    monkeypatch: pytest.MonkeyPatch, homes: Homes
) -> None:
    shipped = list(from_wheel())
    older = shipped[-1]
    monkeypatch.setenv("STEELYARD_POSTGRES_BIN", str(older.bin_dir))
    endpoint = ensure_running(homes.new())
    named = binaries.find(server_account(endpoint.data_dir), major=None)
    assert named.bin_dir == older.bin_dir
    assert endpoint.server_version == named.version


def test_an_environment_that_names_no_server_is_an_error(monkeypatch: pytest.MonkeyPatch, homes: Homes) -> None:
    monkeypatch.setenv("STEELYARD_POSTGRES_BIN", str(homes.base))
    with pytest.raises(StorageError, match="no program `postgres`"):
        ensure_running(homes.new())


def test_no_server_program_at_all_is_an_error_with_a_way_out(homes: Homes) -> None:
    home = homes.new()
    with pytest.raises(StorageError, match="none was found") as caught:
        ensure_running(home, locators=())
    assert "DATABASE_URL" in (caught.value.next_step or "")
    assert [problem.message for problem in status(home, locators=()).problems] == [caught.value.message]


def test_data_of_an_older_major_is_served_by_the_program_that_matches_it(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = list(from_wheel())[-1]
    home = homes.new()
    monkeypatch.setenv("STEELYARD_POSTGRES_BIN", str(older.bin_dir))
    first = ensure_running(home)
    stop(home)
    monkeypatch.delenv("STEELYARD_POSTGRES_BIN")
    assert list(from_environment()) == []
    assert ensure_running(home).server_version == first.server_version
