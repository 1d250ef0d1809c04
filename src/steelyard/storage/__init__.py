"""PostgreSQL: the embedded server, the pool with tenant transactions, migrations, one repository per aggregate."""
