-- When a member last set their password anew by a link, so that the log of each of their tenants tells of it.
ALTER TABLE memberships ADD COLUMN reset_at timestamptz;
SELECT audit_table('memberships', 'member', keys => '{role,reset_at}', id => 'user_id',
                   verbs => '{"reset_at": {"*": "reset"}}');

-- Whether the issuer said at that sign-in that the account's address is theirs: invitations of it are shown then.
ALTER TABLE openid_sessions ADD COLUMN vouched boolean NOT NULL DEFAULT false;

-- Who came back from an issuer, belongs nowhere and is invited: what was said of them, while they choose. Of what their
-- browser holds only the SHA-256 is kept.
CREATE TABLE openid_arrivals (
    token_hash bytea PRIMARY KEY,
    provider text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    email text,
    verified boolean,
    name text,
    id_token text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX openid_arrivals_by_expiry ON openid_arrivals (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON openid_arrivals TO steelyard_app;

-- Every invitation of an address, whoever's tenant it is of: whose address it is chooses among them.
CREATE OR REPLACE FUNCTION invitation_for(address text, at timestamptz)
    RETURNS TABLE (tenant_id uuid, tenant_name text, id uuid, email text, role text, invited_by text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.id, t.name, i.id, i.email, i.role, i.invited_by, i.expires_at
      FROM invitations i JOIN tenants t ON t.id = i.tenant_id WHERE i.email = address AND i.expires_at > at
     ORDER BY i.created_at, i.id LIMIT 100
$$;

DO $$
BEGIN
    -- The caller's search path must not decide what the owner's rights are used on.
    EXECUTE format('ALTER FUNCTION invitation_for(text, timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
