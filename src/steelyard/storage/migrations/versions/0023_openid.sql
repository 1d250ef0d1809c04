-- As whom an issuer knows a user. `email` is the address it told when they were put together, for people to read.
CREATE TABLE user_identities (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer text NOT NULL,
    subject text NOT NULL,
    email text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (issuer, subject)
);
CREATE INDEX user_identities_by_user ON user_identities (user_id);

-- Who was sent to an issuer and is not back: of what their browser and the issuer hold only the SHA-256 is kept. `nonce`
-- and `verifier` are good for nothing without the code that the issuer gives.
CREATE TABLE openid_begun (
    state_hash bytea PRIMARY KEY,
    browser_hash bytea NOT NULL,
    provider text NOT NULL,
    nonce text NOT NULL,
    verifier text NOT NULL,
    leads text NOT NULL,
    setup_hash bytea,
    tenant_name text NOT NULL DEFAULT '',
    session_id uuid REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX openid_begun_by_expiry ON openid_begun (expires_at);
CREATE INDEX openid_begun_by_session ON openid_begun (session_id);

-- What a session came of, to be shown to the issuer when it ends. The token is for this client and opens nothing.
CREATE TABLE openid_sessions (
    session_id uuid PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    provider text NOT NULL,
    id_token text NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON user_identities, openid_begun, openid_sessions TO steelyard_app;

-- The invitation of an address that has waited longest, whoever's tenant it is of: they are in none yet.
CREATE FUNCTION invitation_for(address text, at timestamptz)
    RETURNS TABLE (tenant_id uuid, tenant_name text, id uuid, email text, role text, invited_by text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.id, t.name, i.id, i.email, i.role, i.invited_by, i.expires_at
      FROM invitations i JOIN tenants t ON t.id = i.tenant_id WHERE i.email = address AND i.expires_at > at
     ORDER BY i.created_at, i.id LIMIT 1
$$;
CREATE INDEX invitations_by_email ON invitations (email);

DO $$
BEGIN
    -- The caller's search path must not decide what the owner's rights are used on.
    EXECUTE format('ALTER FUNCTION invitation_for(text, timestamptz) SET search_path = %I, pg_temp', current_schema());
    REVOKE ALL ON FUNCTION invitation_for(text, timestamptz) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION invitation_for(text, timestamptz) TO steelyard_app;
END $$;
