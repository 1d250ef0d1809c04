"""What there is to know about a home's server, found without changing anything."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import cluster, layout, process
from steelyard.storage.embedded.account import server_account
from steelyard.storage.embedded.binaries import LOCATORS, Installation, Locator, find
from steelyard.storage.embedded.connection import Answer, probe
from steelyard.storage.embedded.layout import Layout

# Below this the next checkpoint or index build may not fit, and PostgreSQL stops when its log has no room.
_LOW_DISK_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Problem:
    """Something a person should act on."""

    message: str
    next_step: str


@dataclass(frozen=True)
class ServerStatus:
    """`running` means a process serves the data; whether it answers is among the problems. None: not set up or unknown.

    `server_version` is the running server's, `installed_version` that of the programs the next start would use.
    """

    running: bool
    pid: int | None
    server_version: str | None
    installed_version: str | None
    bin_dir: Path | None
    address: str | None
    data_dir: Path | None
    log_path: Path | None
    disk_bytes: int | None
    free_bytes: int | None
    problems: tuple[Problem, ...]


def status(home: Path, *, locators: Sequence[Locator] = LOCATORS) -> ServerStatus:
    """The state of the server of `home`. Trouble is reported in it, not raised; nothing is started or written."""
    home = home.expanduser().absolute()
    problems: list[Problem] = []
    found: Layout | None = None
    try:
        found = layout.recorded(home)
        return _status(found, locators, problems)
    except StorageError as error:
        problems.append(_problem(error))
    except (OSError, subprocess.SubprocessError) as error:
        problems.append(Problem(f"The database's files cannot be read: {error}.", "Check who owns them."))
    return ServerStatus(
        False, None, None, None, None, None, found.data_dir if found else None, None, None, None, tuple(problems)
    )


def _status(found: Layout | None, locators: Sequence[Locator], problems: list[Problem]) -> ServerStatus:
    data_dir = found.data_dir if found is not None and found.data_dir.exists() else None
    if found is not None and found.made and data_dir is None:
        problems.append(_problem(cluster.data_is_gone(found)))
    major = cluster.data_major(data_dir) if data_dir is not None else None
    installation = _installation(data_dir, major, locators, problems)
    live = process.postmaster(data_dir) if data_dir is not None else None
    server_version = None
    if found is not None and live is not None:
        server_version = _ask(found, live.pid, problems)
        if server_version and installation is not None and server_version != installation.version:
            problems.append(
                Problem(
                    f"The running server is {server_version}; {installation.version} is installed.",
                    f"When nothing else is at work, end it with `kill -INT {live.pid}`; the next command starts the "
                    "new one.",
                )
            )
    free_bytes = None
    if data_dir is not None:
        problems += _permission_problems(data_dir)
        free_bytes = shutil.disk_usage(data_dir).free
        if free_bytes < _LOW_DISK_BYTES:
            problems.append(
                Problem(f"Only {free_bytes // 2**20} MB are free on the disk of {data_dir}.", "Make room on that disk.")
            )
    return ServerStatus(
        running=live is not None,
        pid=live.pid if live else None,
        server_version=server_version,
        installed_version=installation.version if installation else None,
        bin_dir=installation.bin_dir if installation else None,
        address=f"{found.host}:{found.port}" if found is not None and found.port else None,
        data_dir=data_dir,
        log_path=found.current_log if found is not None and data_dir is not None else None,
        disk_bytes=_size(data_dir) if data_dir is not None else None,
        free_bytes=free_bytes,
        problems=tuple(problems),
    )


def _installation(
    data_dir: Path | None, major: int | None, locators: Sequence[Locator], problems: list[Problem]
) -> Installation | None:
    # As ourselves: as the server's account it might have to make a copy first.
    account = replace(server_account(data_dir), switch=False)
    try:
        return find(account, major=major, locators=locators)
    except StorageError as error:
        problems.append(_problem(error))
        return None


def _ask(found: Layout, pid: int, problems: list[Problem]) -> str | None:
    try:
        answer = probe(found, cluster.read_password(found))
    except StorageError as error:
        problems.append(_problem(error))
        return None
    if answer.answer is Answer.READY:
        return answer.server_version or None
    problems.append(
        Problem(
            f"The server runs (pid {pid}) but does not take connections: {answer.detail}",
            f"Give it a minute if it was killed before (it is recovering); else read {found.current_log}.",
        )
    )
    return None


def _permission_problems(data_dir: Path) -> list[Problem]:
    mode = stat.S_IMODE(data_dir.stat().st_mode)
    if not mode & 0o077:
        return []
    return [Problem(f"Others can reach {data_dir} (mode {mode:04o}).", f"Run `chmod 700 {data_dir}`.")]


def _problem(error: StorageError) -> Problem:
    return Problem(" ".join(filter(None, (error.message, error.kept))), error.next_step or "")


def _size(folder: Path) -> int:
    """Bytes taken on disk; files that vanish meanwhile count for nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total
