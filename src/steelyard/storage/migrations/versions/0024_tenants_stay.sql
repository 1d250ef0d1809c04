-- Deleting a tenant deletes its audit log with it, which the application may not: who owns the tables deletes tenants.
REVOKE DELETE ON tenants FROM steelyard_app;
