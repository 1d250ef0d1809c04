"""Stopping the server, and what `steelyard doctor` is told about it."""

import os
import signal
from pathlib import Path

import psycopg
import pytest

from steelyard.storage.embedded import ensure_running, remove, status, stop
from tests.integration.storage_embedded.support import query, server_pid


def test_stop_ends_the_server_keeps_the_rows_and_says_whether_there_was_one(home: Path) -> None:
    assert stop(home) is False
    endpoint = ensure_running(home)
    query(endpoint, "CREATE TABLE kept AS SELECT 7 AS value")
    assert stop(home) is True
    assert stop(home) is False
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(endpoint.superuser_dsn)
    assert query(ensure_running(home), "SELECT value FROM kept") == [(7,)]


def test_stop_does_not_wait_for_open_connections(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    with psycopg.connect(endpoint.superuser_dsn) as connection:
        connection.execute("SELECT 1")
        assert stop(used_home, timeout_s=20) is True
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_remove_leaves_nothing_of_the_server(home: Path) -> None:
    endpoint = ensure_running(home)
    remove(home)
    assert not endpoint.data_dir.exists()
    assert list(home.iterdir()) == []
    remove(home)
    assert query(ensure_running(home), "SELECT 1") == [(1,)]


def test_status_of_an_untouched_home_writes_nothing(home: Path) -> None:
    found = status(home)
    assert (found.running, found.pid, found.data_dir, found.problems) == (False, None, None, ())
    assert found.installed_version is not None
    assert not home.exists()


def test_status_of_a_running_and_of_a_stopped_server(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    running = status(used_home)
    assert (running.running, running.pid) == (True, server_pid(endpoint))
    assert running.server_version == running.installed_version == endpoint.server_version
    assert running.data_dir == endpoint.data_dir
    assert running.log_path is not None
    assert running.log_path.exists()
    assert running.disk_bytes is not None
    assert running.disk_bytes > 10_000_000
    assert running.problems == ()
    stop(used_home)
    stopped = status(used_home)
    assert (stopped.running, stopped.pid, stopped.server_version, stopped.problems) == (False, None, None, ())


def test_status_names_what_is_wrong_and_what_to_do(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    endpoint.data_dir.chmod(0o750)
    try:
        problems = status(used_home).problems
    finally:
        endpoint.data_dir.chmod(0o700)
    assert len(problems) == 1
    assert "0750" in problems[0].message
    assert problems[0].next_step == f"Run `chmod 700 {endpoint.data_dir}`."


def test_status_of_a_server_that_does_not_answer_says_so(used_home: Path) -> None:
    endpoint = ensure_running(used_home)
    pid = server_pid(endpoint)
    os.kill(pid, signal.SIGSTOP)
    try:
        found = status(used_home)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert found.running
    assert "does not take connections" in found.problems[0].message


def test_status_reads_a_broken_record_as_a_problem(home: Path) -> None:
    ensure_running(home)
    record = home / "postgres" / "server.json"
    text = record.read_text()
    record.write_text("{")
    try:
        found = status(home)
    finally:
        record.write_text(text)
    assert "server.json" in found.problems[0].message
    assert found.problems[0].next_step
