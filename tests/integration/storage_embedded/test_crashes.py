"""Kills at bad moments, stale files, broken folders: what was committed stays, the next start works or says why."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import ensure_running, process, remove, revive, stop
from steelyard.storage.embedded.binaries import from_wheel
from tests.integration.storage_embedded.support import (
    AS_ROOT,
    Homes,
    act,
    answers_of,
    first_answer_of,
    kill_and_reap,
    query,
    server_pid,
)

pytestmark = pytest.mark.alone


def test_the_server_survives_kill_9_of_its_starter_and_the_next_start_attaches(used_home: Path) -> None:
    starter = act("stay", used_home)
    first = first_answer_of(starter)
    kill_and_reap(starter)
    assert server_pid(ensure_running(used_home)) == first["pid"]


def test_a_first_start_killed_anywhere_leaves_nothing_harmful(homes: Homes) -> None:
    moments = random.Random(5)
    home = homes.new()
    for _ in range(6):
        starter = act("ensure", home)
        wait_until((home / "postgres").exists)
        time.sleep(moments.uniform(0, 0.9))
        kill_and_reap(starter)
    endpoint = ensure_running(home)
    assert query(endpoint, "SELECT 1") == [(1,)]

    def is_cleared_by_a_start() -> bool:
        stop(home)
        return not list(ensure_running(home).data_dir.parent.glob("data.new-*"))

    # A killed starter's child may still be at work on a folder of its own, which the first start after its end clears.
    wait_until(is_cleared_by_a_start, 60)


def test_what_a_killed_starter_left_late_goes_at_the_next_start(used_home: Path) -> None:
    left = ensure_running(used_home).data_dir.with_name("data.new-0123456789ab")
    stop(used_home)
    (left / "data").mkdir(parents=True)
    ensure_running(used_home)
    assert not left.exists()


def test_rows_committed_before_kill_9_of_the_server_are_there_after_it(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    query(endpoint, "CREATE TABLE answers (n integer PRIMARY KEY)")
    for _ in range(3):
        committed = write_until_killed(used_home)
        found = query(ensure_running(used_home), "SELECT count(*), max(n) FROM answers")
        # One more may be there: committed, and the server killed before it could say so.
        assert found[0][0] in (committed, committed + 1)


def write_until_killed(home: Path) -> int:
    endpoint = ensure_running(home)
    killer = threading.Timer(0.3, os.kill, (server_pid(endpoint), signal.SIGKILL))
    with psycopg.connect(endpoint.superuser_dsn, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM answers").fetchone()
        assert row is not None
        written = int(row[0])
        killer.start()
        try:
            while True:
                connection.execute("INSERT INTO answers VALUES (%s)", (written + 1,))
                written += 1
        except psycopg.OperationalError:
            return written
        finally:
            killer.join()


def test_a_start_outwaits_a_backend_that_still_holds_the_memory_of_a_killed_server(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    query(endpoint, "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS value")
    with psycopg.connect(endpoint.superuser_dsn) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(server_pid(endpoint), signal.SIGKILL)
        release = threading.Timer(1.0, os.kill, (backend, signal.SIGCONT))
        release.start()
        started = time.monotonic()
        assert query(ensure_running(used_home), "SELECT value FROM kept") == [(7,)]
        assert time.monotonic() - started > 0.9
        release.join()


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found through /proc")
def test_a_long_query_of_a_killed_server_is_ended_rather_than_waited_for(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    with psycopg.connect(endpoint.superuser_dsn) as connection:
        backend = connection.info.backend_pid
        busy = threading.Thread(target=run_long_query, args=(connection,))
        busy.start()
        try:
            time.sleep(0.3)
            os.kill(server_pid(endpoint), signal.SIGKILL)
            assert query(ensure_running(used_home, timeout_s=20), "SELECT 1") == [(1,)]
        finally:
            with suppress(ProcessLookupError):
                os.kill(backend, signal.SIGKILL)
            busy.join()


def run_long_query(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 200000000) a, generate_series(1, 1000) b")


def test_a_stale_pid_file_that_names_a_live_stranger_is_overcome_and_the_stranger_unharmed(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    stop(used_home)
    owner = endpoint.data_dir.stat().st_uid
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner if AS_ROOT else None, cwd="/")
    try:
        forge_pid_file(endpoint.data_dir, stranger.pid)
        assert process.postmaster(endpoint.data_dir) is None
        assert query(ensure_running(used_home), "SELECT 1") == [(1,)]
        assert stop(used_home)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stale_pid_file_that_names_another_homes_server_is_overcome(homes: Homes) -> None:
    home = homes.new()
    endpoint, other = ensure_running(home), ensure_running(homes.new())
    stop(home)
    forge_pid_file(endpoint.data_dir, server_pid(other))
    assert server_pid(ensure_running(home)) != server_pid(other)
    assert stop(home)
    assert query(other, "SELECT 1") == [(1,)]


def test_a_stale_pid_file_does_not_let_stop_harm_a_stranger(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    stop(used_home)
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/")
    try:
        forge_pid_file(endpoint.data_dir, stranger.pid)
        assert stop(used_home) is False
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_data_of_another_major_version_is_refused_with_both_versions_named(home: Path) -> None:
    endpoint = ensure_running(home)
    stop(home)
    (endpoint.data_dir / "PG_VERSION").write_text("14\n")
    with pytest.raises(StorageError, match=r"PostgreSQL 14.*version 18") as caught:
        ensure_running(home, locators=(from_wheel,))
    assert "STEELYARD_POSTGRES_BIN" in (caught.value.next_step or "")


def test_lost_data_is_reported_not_replaced(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    stop(used_home)
    endpoint.data_dir.rename(endpoint.data_dir.with_name("moved"))
    with pytest.raises(StorageError, match="is gone"):
        ensure_running(used_home)
    endpoint.data_dir.with_name("moved").rename(endpoint.data_dir)
    assert query(ensure_running(used_home), "SELECT 1") == [(1,)]


def test_a_server_that_cannot_start_says_why_and_where_to_read_on(home: Path) -> None:
    endpoint = ensure_running(home)
    stop(home)
    (endpoint.data_dir / "custom.conf").write_text("no_such_setting_at_all = 1\n")
    os.chmod(endpoint.data_dir / "custom.conf", 0o644)
    with pytest.raises(StorageError, match="no_such_setting_at_all") as caught:
        ensure_running(home)
    assert str(endpoint.log_path.parent) in (caught.value.next_step or "")


def test_a_lost_password_is_reported_and_the_data_left_alone(used_home: Path) -> None:
    ensure_running(used_home)
    password = used_home / "postgres" / "password"
    text = password.read_text()
    password.unlink()
    with pytest.raises(StorageError, match="password"):
        ensure_running(used_home)
    password.write_text("not it")
    with pytest.raises(StorageError, match="does not accept the password"):
        ensure_running(used_home)
    password.write_text(text)
    assert query(ensure_running(used_home), "SELECT 1") == [(1,)]


def test_starters_racing_after_a_crash_agree_on_one_server(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    os.kill(server_pid(endpoint), signal.SIGKILL)
    actors = [act("ensure", used_home) for _ in range(6)]
    answers = answers_of(actors)
    assert {answer.get("error") for answer in answers} == {None}
    assert len({answer["pid"] for answer in answers}) == 1


def test_a_stuck_starter_is_named_when_the_time_is_up(used_home: Path) -> None:
    from steelyard.storage.embedded.layout import lock_path
    from steelyard.storage.embedded.lock import exclusive

    ensure_running(used_home)
    stop(used_home)
    with (
        exclusive(lock_path(used_home), time.monotonic() + 5),
        pytest.raises(StorageError, match=rf"pid {os.getpid()}"),
    ):
        ensure_running(used_home, timeout_s=0.3)


def forge_pid_file(data_dir: Path, pid: int) -> None:
    path = data_dir / "postmaster.pid"
    path.write_text(f"{pid}\n{data_dir}\n1700000000\n5432\n\n\n  5432001         0\nready   \n")
    os.chown(path, data_dir.stat().st_uid, data_dir.stat().st_gid)


def wait_until(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("name", ["home", "over-tcp-" + "x" * 90])
def test_a_server_that_died_is_revived_where_its_users_look_for_it(homes: Homes, name: str) -> None:
    home = homes.new(name)
    endpoint = ensure_running(home)
    assert revive(home) is False
    os.kill(server_pid(endpoint), signal.SIGKILL)
    wait_until(lambda: process.postmaster(endpoint.data_dir) is None)
    assert revive(home) is True
    assert query(endpoint, "SELECT 1") == [(1,)]


def test_a_server_stopped_on_purpose_or_removed_is_not_revived(home: Path) -> None:
    assert revive(home) is False
    assert not home.exists()
    ensure_running(home)
    stop(home)
    assert revive(home) is False
    os.kill(server_pid(ensure_running(home)), signal.SIGTERM)
    wait_until(lambda: revive(home))
    remove(home)
    assert revive(home) is False
