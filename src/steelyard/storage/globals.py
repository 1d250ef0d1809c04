"""What stands outside row-level security, with reasons: tables of no tenant, functions with owner's rights."""

GLOBAL_TABLES = {
    "alembic_version": "one schema for all",
    "users": "one person may belong to several tenants",
    "sessions": "found by a token, before a tenant is known; the token's SHA-256 alone",
    "one_time_links": "found by a token, before anybody is signed in; the token's SHA-256 alone",
    "user_identities": "of users, as whom an issuer knows them: found before a tenant is known",
    "openid_begun": "who is on the way to an OpenID provider, before anybody is signed in; hashes of tokens",
    "openid_arrivals": "who came from an OpenID provider and belongs to no tenant yet; a hash of their browser's token",
    "openid_sessions": "of sessions: what to show the issuer when one ends",
    "tries": "how often signing in was tried, before anybody is signed in; hashes of accounts and addresses",
    "measurement_retention": "from which day on uses are kept, of all tenants: their partitions are shared",
    "procrastinate_jobs": "the queue: ids only",
    "procrastinate_events": "the queue: ids only",
    "procrastinate_periodic_defers": "the queue: ids only",
    "procrastinate_workers": "the queue: heartbeats only",
}

SECURITY_DEFINER_FUNCTIONS = {
    "api_key_by_hash": "whose a key is has to be known before its tenant is; it takes one SHA-256 and returns one key",
    "ensure_measurement_partitions": "only the owner can add partitions; it takes two dates and returns a count",
    "drop_measurement_partitions": "only the owner can drop partitions; it takes a month over two months back",
    "note_change": "the trigger of every audited table: only the owner adds to the audit log; nobody can call it",
    "tenants_due": "the schedule has to know which tenants have something to do; it takes two times and returns ids",
    "signed_in": "a request is of no tenant until its session is found; it takes a token's hash",
    "tenants_of": "which tenants a user may switch to; it takes the user",
    "invitation_of": "whoever joins is in no tenant yet; it takes a token's hash",
    "invitation_for": "whoever an issuer vouches for is in no tenant yet; it takes an address",
    "known_tenants": "the operator's commands name tenants; it returns names and counts of members",
    "tenants_with_paid_jobs": "a worker that starts queues jobs of all tenants again; it returns ids",
}

# Every other index of a tenant's table begins with the tenant.
INDEXES_OVER_TENANTS = {
    "api_keys_by_hash": "whose a key is, found before there is a tenant",
    "memberships_by_user": "the tenants of a user, found before there is one",
    "invitations_by_email": "the invitations of an address an issuer vouches for, found before there is a tenant",
    "invitations_by_token": "the invitation of a token, found before there is a tenant",
}
