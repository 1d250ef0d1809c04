"""The operating-system account the server runs as: PostgreSQL refuses root, so root lends it an unprivileged one."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Outside every range that distributions and systemd hand out (60706-61183 is "unused" in systemd's
# "Users, Groups, UIDs and GIDs"), and inside the 65536 ids a container usually has. It needs no
# passwd entry, owns nothing but our data, and no other service runs as it, unlike `nobody`.
SERVICE_UID = 60936

# Only these reach the server: its environment is long-lived and must not carry API keys or PG* settings.
_ENVIRONMENT_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True)
class Account:
    """`switch` is True when a process must change to `uid` to act as the account."""

    uid: int
    gid: int
    switch: bool

    @property
    def owner(self) -> int | None:
        """The uid that new files must be given to, or None when they are its own anyway."""
        return self.uid if self.switch else None

    def run(self, argv: Sequence[str | Path], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run to the end as the account, detached from the terminal. Raises OSError, subprocess.TimeoutExpired."""
        return subprocess.run(  # noqa: S603
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
            cwd="/",
            env=clean_environment(),
            start_new_session=True,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def can_traverse(self, folder: Path) -> bool:
        """Whether the account can enter `folder` by this path; asked of the system, since ACLs exist too."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder], timeout_s=20).returncode == 0


def server_account(data_dir: Path | None) -> Account:
    """The account for the server of `data_dir` (None: not made yet)."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data_dir is not None and data_dir.exists():
        found = data_dir.stat()
        return Account(found.st_uid, found.st_gid, switch=True)
    return Account(SERVICE_UID, SERVICE_UID, switch=True)


def initdb_account(account: Account) -> Account:
    """The account to run initdb as: initdb alone insists on a name for its uid, the server does not."""
    if not account.switch:
        return account
    for name in ("nobody", "daemon", "bin"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    return account


def clean_environment() -> dict[str, str]:
    """The environment for PostgreSQL's own programs, with messages in English so that they can be recognised."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT_KEPT if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C"}
