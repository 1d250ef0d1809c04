"""Asking the server itself: a real connection, and what its refusals mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from steelyard.storage.embedded.cluster import DATABASE, SUPERUSER
from steelyard.storage.embedded.layout import Layout


class Answer(Enum):
    """What a connection attempt found."""

    READY = "ready"
    NO_DATABASE = "no database"
    WRONG_PASSWORD = "wrong password"  # noqa: S105
    NOT_YET = "not yet"


@dataclass(frozen=True)
class Probe:
    """`server_version` as PostgreSQL spells it ("18.4"), empty unless READY; `detail` is the server's refusal."""

    answer: Answer
    server_version: str = ""
    detail: str = ""


def superuser_dsn(layout: Layout, password: str, *, database: str = DATABASE) -> str:
    """The conninfo string of the superuser. It carries the password."""
    # With require_auth a stranger on the port can neither be sent the password nor pass for our server.
    guard = {"require_auth": "scram-sha-256"} if psycopg.pq.version() >= 160000 else {}
    return make_conninfo(
        "",
        host=layout.host,
        port=layout.port,
        dbname=database,
        user=SUPERUSER,
        password=password,
        sslmode="disable",
        gssencmode="disable",
        **guard,
    )


def probe(layout: Layout, password: str) -> Probe:
    """Connect once and leave."""
    if layout.port == 0:
        return Probe(Answer.NOT_YET, detail="no port was chosen yet")
    try:
        with psycopg.connect(superuser_dsn(layout, password), connect_timeout=5) as connection:
            return Probe(Answer.READY, connection.info.parameter_status("server_version") or "")
    except psycopg.OperationalError as error:
        # libpq gives a refused connection no SQLSTATE; the texts are English since the server runs with LC_ALL=C.
        text = str(error).strip()
        if f'database "{DATABASE}" does not exist' in text:
            return Probe(Answer.NO_DATABASE, detail=text)
        if "password authentication failed" in text:
            return Probe(Answer.WRONG_PASSWORD, detail=text)
        if "too many clients" in text or "remaining connection slots" in text:
            return Probe(Answer.READY, detail=text)
        return Probe(Answer.NOT_YET, detail=text)


def create_database(layout: Layout, password: str) -> None:
    """Make Steelyard's database in a new cluster. Raises psycopg.Error."""
    with psycopg.connect(
        superuser_dsn(layout, password, database="postgres"), connect_timeout=5, autocommit=True
    ) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
