"""Start the embedded PostgreSQL or attach to it, and stop it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import cluster, layout, process
from steelyard.storage.embedded.account import Account, server_account
from steelyard.storage.embedded.binaries import LOCATORS, Locator, find
from steelyard.storage.embedded.connection import Answer, Probe, create_database, probe, superuser_dsn
from steelyard.storage.embedded.layout import Layout
from steelyard.storage.embedded.lock import exclusive

_POLL_S = 0.01
# A server that says it is ready and yet cannot be reached for this long will not be by waiting.
_UNREACHABLE_AFTER_S = 10.0
_NO_ROOM = "No space left on device"
# With less its log could not say why a start failed either.
_LEAST_ROOM_BYTES = 1024 * 1024
# What a start may fail with that another try can mend: backends of a killed server still leaving, a port just taken.
_PASSING_TROUBLES = (
    "pre-existing shared memory block",
    "could not create any TCP/IP sockets",
    "Address already in use",
)


@dataclass(frozen=True)
class Endpoint:
    """A running server. `host` is the folder of its socket, or 127.0.0.1; `superuser_dsn` carries the password."""

    host: str
    port: int
    data_dir: Path
    log_path: Path
    server_version: str
    superuser_dsn: str = field(repr=False)


def ensure_running(home: Path, *, timeout_s: float = 60, locators: Sequence[Locator] = LOCATORS) -> Endpoint:
    """Attach to the server of `home` (a STEELYARD_HOME), starting it, and at first making it, where needed.

    Safe to call from many processes at once. The server outlives the caller. Blocking: at most about
    `timeout_s`. Raises StorageError.
    """
    _refuse_windows()
    deadline = time.monotonic() + timeout_s
    home = home.expanduser().absolute()
    try:
        return _attached(home) or _started(home, deadline, locators)
    except (OSError, subprocess.SubprocessError) as error:
        raise _file_trouble(error, home) from error


def revive(home: Path, *, timeout_s: float = 60) -> bool:
    """Start a server again that died under its users; True when that was needed. Blocking. Raises StorageError.

    One that was stopped on purpose stays down, and what has been removed is not made anew.
    """
    home = home.expanduser().absolute()
    try:
        found = layout.recorded(home)
        if found is None or not found.made or layout.stopped_path(home).exists():
            return False
        if process.postmaster(found.data_dir) is not None or not found.data_dir.exists():
            return False
        ensure_running(home, timeout_s=timeout_s)
    except (OSError, subprocess.SubprocessError) as error:
        raise _file_trouble(error, home) from error
    return True


def stop(home: Path, *, timeout_s: float = 60) -> bool:
    """Shut the server down, ending its connections; open transactions roll back, committed rows stay.

    False when none was running. Raises StorageError.
    """
    _refuse_windows()
    deadline = time.monotonic() + timeout_s
    home = home.expanduser().absolute()
    try:
        if layout.recorded(home) is None:
            return False
        with exclusive(layout.lock_path(home), deadline):
            found = layout.recorded(home)
            if found is None:
                return False
            # Before the server goes, so that nobody takes its going for a death.
            layout.stopped_path(home).touch(mode=0o600)
            return _stopped(found, deadline)
    except OSError as error:
        raise _file_trouble(error, home) from error


def remove(home: Path, *, timeout_s: float = 60) -> None:
    """Stop the server and delete all its data, also where it lives outside the home. Raises StorageError."""
    home = home.expanduser().absolute()
    stop(home, timeout_s=timeout_s)
    try:
        found = layout.recorded(home)
        if found is not None:
            shutil.rmtree(found.place)
            if found.place != found.folder:
                with suppress(OSError):
                    layout.SYSTEM_PLACE.rmdir()
        if layout.folder_of(home).exists():
            shutil.rmtree(layout.folder_of(home))
    except OSError as error:
        raise _file_trouble(error, home) from error


def _attached(home: Path) -> Endpoint | None:
    found = layout.recorded(home)
    if found is None or not found.password_path.exists():
        return None
    password = cluster.read_password(found)
    answer = probe(found, password)
    return _endpoint(found, password, answer) if answer.answer is Answer.READY else None


def _started(home: Path, deadline: float, locators: Sequence[Locator]) -> Endpoint:
    _refuse_other_owner(home)
    layout.make_home_folder(home, as_root=os.geteuid() == 0)
    with exclusive(layout.lock_path(home), deadline):
        known = layout.recorded(home)
        account = server_account(known.data_dir if known else layout.folder_of(home) / "data")
        place = layout.establish(home, account)
        cluster.clear_drafts(place)
        major = cluster.data_major(place.data_dir)
        if major is None:
            if place.made:
                raise cluster.data_is_gone(place)
            installation = find(account, major=None, locators=locators)
            cluster.initialise(place, installation, account, timeout_s=max(1.0, deadline - time.monotonic()))
        if not place.made:
            place = replace(place, made=True)
            place.save()
        layout.stopped_path(home).unlink(missing_ok=True)
        return _Start(place, account, cluster.read_password(place), deadline, locators).run()


@dataclass
class _Start:
    """One attempt, under the lock, to have a server that answers."""

    place: Layout
    account: Account
    password: str
    deadline: float
    locators: Sequence[Locator]
    pid: int | None = None
    unreachable_since: float | None = None

    def run(self) -> Endpoint:
        while True:
            answer = probe(self.place, self.password)
            match answer.answer:
                case Answer.READY:
                    return _endpoint(self.place, self.password, answer)
                case Answer.NO_DATABASE:
                    self._create_database()
                    continue
                case Answer.WRONG_PASSWORD:
                    raise StorageError(
                        f"The embedded database does not accept the password in {self.place.password_path}.",
                        kept=f"The data in {self.place.data_dir} was not touched.",
                        next_step="Restore that file from a backup, or set STEELYARD_HOME to a fresh folder.",
                    )
                case Answer.NOT_YET:
                    self._wait_or_launch(answer)

    def _create_database(self) -> None:
        try:
            create_database(self.place, self.password)
        except psycopg.errors.DuplicateDatabase:
            return
        except psycopg.Error as error:
            self._check_deadline(str(error).strip())
            time.sleep(_POLL_S)

    def _wait_or_launch(self, answer: Probe) -> None:
        self._check_deadline(answer.detail)
        live = process.postmaster(self.place.data_dir)
        if live is not None:
            self._check_reachable(live, answer)
            time.sleep(_POLL_S)
        elif self.pid is None:
            self._launch()
        elif process.is_alive(self.pid):
            time.sleep(_POLL_S)
        else:
            self._retry_or_raise()

    def _launch(self) -> None:
        installation = find(self.account, major=cluster.data_major(self.place.data_dir), locators=self.locators)
        if not self.place.over_socket:
            # The same port again where it is free: those who lost the server look for it there.
            self.place = replace(self.place, port=_free_port(self.place.port))
            self.place.save()
        cluster.configure(self.place, self.account)
        process.disown_foreign_pid(self.place.data_dir, self.account)
        # A socket's lock file is judged by its pid alone too, and this folder serves no other server.
        for leftover in self.place.socket_dir.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)
        self.pid = process.spawn_detached(
            [str(installation.program("postgres")), "-D", str(self.place.data_dir)],
            log=self.place.start_log,
            account=self.account,
        )

    def _retry_or_raise(self) -> None:
        said = process.last_words(self.pid, self.place.start_log, self.place.current_log)
        if any(trouble in line for trouble in _PASSING_TROUBLES for line in said):
            process.end_orphans(self.place.data_dir)
            self.pid = None
            time.sleep(0.1)
            return
        raise self._failure("The embedded database did not start", said)

    def _check_deadline(self, detail: str) -> None:
        if time.monotonic() < self.deadline:
            return
        said = process.last_words(self.pid, self.place.start_log, self.place.current_log)
        raise self._failure("The embedded database was not ready in the time allowed", said or [detail])

    def _check_reachable(self, live: process.PidFile, answer: Probe) -> None:
        if live.state != "ready":
            self.unreachable_since = None
            return
        now = time.monotonic()
        self.unreachable_since = self.unreachable_since or now
        if now - self.unreachable_since > _UNREACHABLE_AFTER_S:
            raise StorageError(
                f"The embedded database runs (pid {live.pid}) but cannot be reached: {answer.detail}",
                kept="The data was not touched.",
                next_step=f"End it with `kill -INT {live.pid}`; the next command starts it again.",
            )

    def _failure(self, what: str, said: list[str]) -> StorageError:
        if any(_NO_ROOM in line for line in said) or shutil.disk_usage(self.place.data_dir).free < _LEAST_ROOM_BYTES:
            return _no_room(self.place.data_dir)
        quoted = "; ".join(f'"{line}"' for line in said)
        return StorageError(
            f"{what}. It said: {quoted}." if said else f"{what}, and said nothing.",
            kept=f"The data in {self.place.data_dir} was not touched.",
            next_step=f"Read {self.place.current_log}, run `steelyard doctor`, then try again.",
        )


def _stopped(found: Layout, deadline: float) -> bool:
    live = process.postmaster(found.data_dir)
    if live is None:
        return False
    os.kill(live.pid, signal.SIGINT)
    while process.is_postmaster(live.pid, found.data_dir):
        if time.monotonic() > deadline:
            raise StorageError(
                f"The embedded database (pid {live.pid}) was asked to stop and has not yet.",
                kept="Committed rows are safe.",
                next_step=f"Wait, or read {found.current_log}.",
            )
        time.sleep(_POLL_S)
    return True


def _endpoint(found: Layout, password: str, answer: Probe) -> Endpoint:
    return Endpoint(
        host=found.host,
        port=found.port,
        data_dir=found.data_dir,
        log_path=found.current_log,
        server_version=answer.server_version,
        superuser_dsn=superuser_dsn(found, password),
    )


def _free_port(wanted: int = 0) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            free.bind((layout.LOCALHOST, wanted))
        except OSError:
            if not wanted:
                raise
            return _free_port()
        return int(free.getsockname()[1])


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise StorageError(
            "The embedded database works on Linux and macOS.",
            next_step="Set DATABASE_URL to a PostgreSQL of your own, or use WSL.",
        )


def _refuse_other_owner(home: Path) -> None:
    """Root must not leave root's files in a person's home, nor serve a person's data as someone else."""
    for folder in (layout.folder_of(home), home):
        if folder.exists():
            owner = folder.stat().st_uid
            if owner != os.geteuid() and (folder != home or os.geteuid() == 0):
                raise StorageError(
                    f"{folder} belongs to another user (uid {owner}), and this process runs as uid {os.geteuid()}.",
                    kept="Nothing was changed there.",
                    next_step="Run as that user, or set STEELYARD_HOME to a folder of your own.",
                )
            return


def _no_room(folder: Path) -> StorageError:
    free = shutil.disk_usage(folder).free
    return StorageError(
        f"The embedded database cannot run: no room on the disk of {folder}, where {free // 2**20} MB are free.",
        kept="What it has saved is safe.",
        next_step="Make room on that disk.",
    )


def _file_trouble(error: OSError | subprocess.SubprocessError, home: Path) -> StorageError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_room(layout.folder_of(home))
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return StorageError(
        f"The embedded database's files cannot be used: {where}{what}.",
        next_step="Check the folder's owner and the room on its disk, or set STEELYARD_HOME to another folder.",
    )
