"""What is quoted of the embedded server's log: whole lines, also of a log that a full disk cut short."""

from pathlib import Path

import pytest

from steelyard.storage.embedded.process import last_words

AT = "2026-11-29 14:59:36.759 UTC"
STARTED = f"{AT} [7] LOG:  starting PostgreSQL 18.0 on x86_64"
REFUSED = f'{AT} [9] FATAL:  could not write to file "pg_wal/xlogtemp.9": No space left on device'
GIVEN_UP = f"{AT} [7] LOG:  aborting startup due to startup process failure"
HINT = (
    f"{AT} [9] HINT:  This probably means that some data is corrupted and you will have to use the last backup for reco"
)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (f"{AT} [3] FATAL:  of the one before\n{STARTED}\n{REFUSED}\n{GIVEN_UP}\n", [REFUSED, GIVEN_UP]),
        (f"{STARTED}\n{HINT}{REFUSED}\n{HINT}\n{GIVEN_UP}\n", [REFUSED, GIVEN_UP]),
        (f"{STARTED}\n{HINT}{GIVEN_UP}\n{AT} [9] FATAL:  could not wri", [GIVEN_UP]),
        (f"{STARTED}\n{AT} [7] LOG:  could not", []),
    ],
)
def test_lines_are_quoted_whole_and_without_hints(tmp_path: Path, log: str, said: list[str]) -> None:
    start, server = tmp_path / "start.log", tmp_path / "server.log"
    start.write_text("")
    server.write_text(log)
    assert last_words(7, start, server) == [line.split("] ", 1)[1] for line in said]
