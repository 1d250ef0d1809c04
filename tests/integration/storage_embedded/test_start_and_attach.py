"""Starting the embedded server, attaching to it, and what it is started with."""

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from steelyard.storage.embedded import ensure_running, stop
from tests.integration.storage_embedded.support import (
    Homes,
    act,
    answers_of,
    first_answer_of,
    kill_and_reap,
    query,
    server_pid,
)


def test_a_second_start_attaches_to_the_first_server(home: Path) -> None:
    first = ensure_running(home)
    pid = server_pid(first)
    query(first, "CREATE TABLE kept AS SELECT 7 AS value")

    second = ensure_running(home)

    assert server_pid(second) == pid
    assert second.superuser_dsn == first.superuser_dsn
    assert query(second, "SELECT value FROM kept") == [(7,)]
    assert second.server_version.split(".")[0] == "18"


def test_attaching_costs_one_connection_and_no_more(used_home: Path) -> None:
    ensure_running(used_home)
    seconds: list[float] = []
    for _ in range(15):
        started = time.perf_counter()
        ensure_running(used_home)
        seconds.append(time.perf_counter() - started)
    # About 8 ms on a quiet machine; the minimum shows the work itself under whatever else runs.
    assert min(seconds) < 0.1


def test_ten_racing_starters_make_one_server(home: Path) -> None:
    actors = [act("ensure", home) for _ in range(10)]
    answers = answers_of(actors)
    assert {answer.get("error") for answer in answers} == {None}
    assert len({answer["pid"] for answer in answers}) == 1
    assert len({answer["started_at"] for answer in answers}) == 1


def test_the_server_is_nobodys_child_and_takes_nothing_of_its_starter_along(used_home: Path) -> None:
    starter = act("stay", used_home)
    try:
        pid = int(first_answer_of(starter)["pid"])
        if not Path("/proc").exists():
            pytest.skip("needs /proc to look into the server")
        assert os.getsid(pid) != os.getsid(starter.pid)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        parent, terminal = int(fields[1]), int(fields[4])
        assert parent != starter.pid
        assert terminal == 0
        assert b"secret-of-the-starter" not in Path(f"/proc/{pid}/environ").read_bytes()
        targets = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        assert not [target for target in targets if target.endswith(("/lock", "/password", ".json"))]
    finally:
        kill_and_reap(starter)


def test_ctrl_c_in_the_starters_terminal_leaves_the_server_running(used_home: Path) -> None:
    starter = act("stay", used_home)
    pid = int(first_answer_of(starter)["pid"])
    os.killpg(starter.pid, signal.SIGINT)
    starter.communicate()
    assert server_pid(ensure_running(used_home)) == pid


def test_the_settings_keep_every_commit(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    names = ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_connections", "data_checksums"]
    shown = {name: query(endpoint, f"SHOW {name}")[0][0] for name in names}
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "64MB",
        "max_connections": "60",
        "data_checksums": "on",
    }


def test_text_sorts_the_same_whatever_the_systems_locale(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    assert query(endpoint, "SHOW server_encoding") == [("UTF8",)]
    assert query(endpoint, "SELECT datlocprovider::text FROM pg_database WHERE datname = 'steelyard'") == [("b",)]


def test_a_persons_own_settings_last(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    custom = endpoint.data_dir / "custom.conf"
    custom.write_text("work_mem = '9MB'\n")
    os.chown(custom, endpoint.data_dir.stat().st_uid, endpoint.data_dir.stat().st_gid)
    stop(used_home)
    assert query(ensure_running(used_home), "SHOW work_mem") == [("9MB",)]


@pytest.mark.parametrize(
    ("name", "over_socket"),
    [("with spaces", True), ("größe-日本", True), ('it\'s "quoted" \\ %41', True), ("a,b", False), ("l" * 120, False)],
    ids=["spaces", "unicode", "quotes", "comma", "long"],
)
def test_any_folder_name_serves(homes: Homes, name: str, over_socket: bool) -> None:
    endpoint = ensure_running(homes.new(name))
    assert (endpoint.host != "127.0.0.1") == over_socket
    assert query(endpoint, "SELECT 1") == [(1,)]
    assert query(ensure_running(homes.used[-1]), "SELECT 1") == [(1,)]
    assert query(endpoint, "SHOW listen_addresses") == [("" if over_socket else "127.0.0.1",)]


@pytest.mark.parametrize("name", ["home", "l" * 120], ids=["socket", "tcp"])
def test_nobody_gets_in_without_the_password(homes: Homes, name: str) -> None:
    endpoint = ensure_running(homes.new(name))
    for password in ("", "wrong"):
        parts = conninfo_to_dict(endpoint.superuser_dsn) | {"password": password}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(make_conninfo("", **parts))


def test_the_password_is_neither_shown_nor_readable_to_others(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    password = conninfo_to_dict(endpoint.superuser_dsn)["password"]
    assert isinstance(password, str)
    assert password not in repr(endpoint)
    holders = [path for path in (used_home / "postgres").iterdir() if path.is_file() and password in path.read_text()]
    assert [path.name for path in holders] == ["password"]
    assert holders[0].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["moved", "m" * 120], ids=["short", "long"])
def test_a_home_can_be_moved(homes: Homes, name: str) -> None:
    home, new_home = homes.new(), homes.new(name)
    query(ensure_running(home), "CREATE TABLE kept AS SELECT 7 AS value")
    stop(home)
    home.rename(new_home)
    assert query(ensure_running(new_home), "SELECT value FROM kept") == [(7,)]


def test_two_homes_have_two_servers(homes: Homes) -> None:
    one, other = ensure_running(homes.new()), ensure_running(homes.new())
    assert server_pid(one) != server_pid(other)
    query(one, "CREATE TABLE only_here ()")
    assert query(other, "SELECT to_regclass('only_here')") == [(None,)]
