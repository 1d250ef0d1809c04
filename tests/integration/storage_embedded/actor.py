"""A process of its own for the tests: it imports, becomes the user it is told to be, acts, and answers in JSON.

It imports before it changes user because the interpreter's own folder may be closed to that user.
"""

import codecs
import json
import os
import sys
import time
from pathlib import Path

import psycopg

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import ensure_running, status, stop

for _name in ("ascii", "idna"):
    codecs.lookup(_name)


def main() -> None:
    user, action, home = sys.argv[1], sys.argv[2], Path(os.fsdecode(os.fsencode(sys.argv[3])))
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    try:
        started = time.perf_counter()
        if action == "stop":
            say({"stopped": stop(home)})
            return
        endpoint = ensure_running(home)
        seconds = time.perf_counter() - started
        with psycopg.connect(endpoint.superuser_dsn) as connection:
            row = connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()
        assert row is not None
        say(
            {
                "pid": status(home).pid,
                "started_at": row[0],
                "data_dir": str(endpoint.data_dir),
                "host": endpoint.host,
                "seconds": seconds,
            }
        )
        if action == "stay":
            time.sleep(600)
    except StorageError as error:
        say({"error": str(error)})


def say(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)


main()
