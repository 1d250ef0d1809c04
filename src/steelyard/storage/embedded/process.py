"""Which process serves a data folder: postmaster.pid, believed only where the program behind the pid bears it out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from steelyard.storage.embedded.account import Account, clean_environment
from steelyard.storage.embedded.files import write_atomically

# Larger than any pid a system gives out, so nobody can be behind it.
_NOBODYS_PID = 2**31 - 2

_SAID_BY_EVERY_SERVER = (
    "redirecting log output",
    "Future log output",
    "starting PostgreSQL",
    "listening on ",
    "database system is shut down",
    "database system was shut down",
    "not yet accepting connections",
    "Consistent recovery state has not been yet reached",
    "the database system is starting up",
)


# As `log_line_prefix` has it.
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]+ \[\d+\] ")


@dataclass(frozen=True)
class PidFile:
    """What postmaster.pid says; `state` is PostgreSQL's word: starting, ready, stopping."""

    pid: int
    state: str


def read_pid_file(data_dir: Path) -> PidFile | None:
    """The pid file's content, or None when there is none or it is cut short."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return PidFile(int(lines[0]), lines[7].strip() if len(lines) > 7 else "starting")
    except (FileNotFoundError, IndexError, ValueError):
        return None


def postmaster(data_dir: Path) -> PidFile | None:
    """The live server of `data_dir`, or None; a pid that belongs to another program counts as none."""
    found = read_pid_file(data_dir)
    return found if found is not None and is_postmaster(found.pid, data_dir) else None


def is_postmaster(pid: int, data_dir: Path) -> bool:
    """Whether `pid` is alive and is a PostgreSQL server working in `data_dir`."""
    if pid <= 0:
        return False
    return _is_postmaster_by_proc(pid, data_dir) if sys.platform == "linux" else _is_postmaster_by_ps(pid, data_dir)


def disown_foreign_pid(data_dir: Path, account: Account) -> None:
    """Make a pid file whose pid is another program's, or a dead child's not yet reaped, name nobody.

    PostgreSQL would take any live pid of its own account for a running server and refuse to start.
    The file is kept, not deleted, since its other lines let PostgreSQL find old backends that still
    hold shared memory.
    """
    path = data_dir / "postmaster.pid"
    found = read_pid_file(data_dir)
    if found is None or found.pid == _NOBODYS_PID or not exists(found.pid):
        return
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    write_atomically(path, "\n".join([str(_NOBODYS_PID), *lines[1:]]) + "\n", uid=account.owner)


def end_orphans(data_dir: Path) -> None:
    """Tell backends whose server was killed to leave at once, as the server's own crash handling would.

    Most leave by themselves; one deep in a long query keeps the shared memory until it is done. Call it
    with the lock held and no live postmaster. Only where /proc shows who they are.
    """
    if sys.platform != "linux":
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_postmaster(int(entry.name), data_dir):
            try:
                os.kill(int(entry.name), signal.SIGQUIT)
            except ProcessLookupError:
                continue


def spawn_detached(argv: list[str], *, log: Path, account: Account) -> int:
    """Start a program in a session of its own, with no descriptor or terminal of ours; return its pid.

    A shell starts it and leaves, so that it is never our child: we owe it no wait(), and a server
    that dies is not kept as a zombie by a long-lived parent.
    """
    with open(log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
        starter = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", '"$@" </dev/null >&2 & echo $!', "sh", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stream,
            check=True,
            cwd="/",
            env=clean_environment(),
            close_fds=True,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account.switch else None,
            group=account.gid if account.switch else None,
            extra_groups=[] if account.switch else None,
        )
    return int(starter.stdout)


def last_words(pid: int | None, start_log: Path, server_log: Path, *, count: int = 5) -> list[str]:
    """The last lines by which the server `pid` and its children explained why it did not start, without their times.

    Its hints are left out: they are for whoever may have lost data.
    """
    said = _lines(start_log)
    if server_log != start_log and pid is not None:
        written = _lines(server_log)
        own = [place for place, line in enumerate(written) if f"[{pid}]" in line]
        said += written[own[0] :] if own else []
    said = [line for line in said if not any(phrase in line for phrase in _SAID_BY_EVERY_SERVER)]
    said = [_STAMP.sub("", line, count=1) for line in said]
    return [line for line in said if not line.startswith("HINT:")][-count:]


def _lines(log: Path) -> list[str]:
    """The whole ones: what a full disk cut short stands before the next entry on its line, or last in the file."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    ended = text[: text.rfind("\n") + 1]
    lines = [re.split(rf"(?={_STAMP.pattern})", line)[-1].strip() for line in ended.split("\n")]
    return [line for line in lines if line]


def _is_postmaster_by_proc(pid: int, data_dir: Path) -> bool:
    proc = Path(f"/proc/{pid}")
    try:
        if _state(pid) in "ZX":
            return False
        try:
            program = Path(os.readlink(proc / "exe").removesuffix(" (deleted)")).name
            return program == "postgres" and os.path.samefile(proc / "cwd", data_dir)
        except PermissionError:
            # Root without CAP_SYS_PTRACE, as in a container, may not ask that of another account's process.
            uids = next(line for line in (proc / "status").read_text().splitlines() if line.startswith("Uid:"))
            arguments = [os.fsdecode(part) for part in (proc / "cmdline").read_bytes().split(b"\0")]
            return (
                int(uids.split()[1]) == data_dir.stat().st_uid
                and Path(arguments[0]).name == "postgres"
                and str(data_dir) in arguments
            )
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return False


def _is_postmaster_by_ps(pid: int, data_dir: Path) -> bool:
    answer = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "uid=,stat=,command=", "-p", str(pid)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    fields = answer.stdout.strip().split(maxsplit=2)
    if len(fields) < 3 or fields[1].startswith("Z"):
        return False
    program, _, folder = fields[2].partition(" -D ")
    return int(fields[0]) == data_dir.stat().st_uid and Path(program).name == "postgres" and folder == str(data_dir)


def is_alive(pid: int) -> bool:
    """Whether a process has this pid and still runs; one that ended and was not reaped does not."""
    if sys.platform != "linux":
        return exists(pid)
    try:
        return _state(pid) not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _state(pid: int) -> str:
    """A process's letter of proc_pid_stat(5). Raises ProcessLookupError, FileNotFoundError."""
    fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    if not fields:
        # Opened while it lived and read when it was gone.
        raise ProcessLookupError
    return fields[0]


def exists(pid: int) -> bool:
    """Whether some process has this pid, as PostgreSQL asks it; one that ended and was not reaped counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
