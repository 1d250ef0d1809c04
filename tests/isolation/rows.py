"""What the database holds of each tenant, read past every policy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from uuid import UUID

import psycopg
from psycopg import sql

from steelyard.storage.globals import GLOBAL_TABLES
from steelyard.storage.server import Server


def tables_with_tenant(server: Server) -> dict[str, str]:
    """Every table that says of a row whose it is, partitions as one with their table; and the column that does."""
    with psycopg.connect(server.admin_dsn) as connection:
        found = connection.execute(
            """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                  AND a.attname = 'tenant_id' AND NOT a.attisdropped ORDER BY 1"""
        ).fetchall()
    return {"tenants": "id"} | {name: "tenant_id" for (name,) in found}


def under_policies(server: Server) -> dict[str, str]:
    """Those of them that row-level security keeps apart."""
    return {table: column for table, column in tables_with_tenant(server).items() if table not in GLOBAL_TABLES}


def rows_of(server: Server, tenant_id: UUID) -> Mapping[str, list[str]]:
    """All rows of a tenant as text, by table: of its users, and its jobs in the queue, too."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(server.admin_dsn) as connection:

        def read(table: str, condition: sql.Composable, *values: object) -> None:
            query = sql.SQL("SELECT to_jsonb(t)::text FROM {} t WHERE {} ORDER BY 1")
            rows = connection.execute(query.format(sql.Identifier(table), condition), values).fetchall()
            found[table] = [row for (row,) in rows]

        for table, column in tables_with_tenant(server).items():
            read(table, sql.SQL("t.{} = %s").format(sql.Identifier(column)), tenant_id)
        members = "SELECT user_id FROM memberships WHERE tenant_id = %s"
        read("users", sql.SQL(f"t.id IN ({members})"), tenant_id)
        read("user_identities", sql.SQL(f"t.user_id IN ({members})"), tenant_id)
        read("procrastinate_jobs", sql.SQL("t.args ->> 'tenant_id' = %s"), str(tenant_id))
    return found


def texts_of(server: Server, tenant_id: UUID) -> list[str]:
    """The same of all tables together."""
    return [row for rows in rows_of(server, tenant_id).values() for row in rows]


def digests_of(server: Server, tenant_id: UUID) -> dict[str, str]:
    """A checksum of all rows of a tenant, by table."""
    return {
        table: f"{len(rows)} rows, {hashlib.sha256(chr(10).join(rows).encode()).hexdigest()}"
        for table, rows in rows_of(server, tenant_id).items()
    }
