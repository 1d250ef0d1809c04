// A certified OpenID provider on this machine. Any login is somebody; what it says of them goes by their name. Between
// it and its client stands what a test asks for at /test: tokens that are forged, late, or of another shape.
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

const [port, sites] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const issuer = `http://127.0.0.1:${port}`;

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [own, next, foreign] = [pair(), pair(), pair()];
const jwk = async (key, kid) => ({ ...(await exportJWK(key)), kid, alg: 'RS256', use: 'sig' });

const provider = new Provider(issuer, {
  jwks: { keys: [await jwk(own.privateKey, 'first')] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  clients: [{
    client_id: 'steelyard',
    client_secret: 'a secret: of the client + test',
    redirect_uris: sites.flatMap((site) => ['acme', 'other', 'sso'].map((id) => `${site}/sign-in/oidc/${id}/callback`)),
    post_logout_redirect_uris: sites.map((site) => `${site}/sign-in`),
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      name: id.startsWith('hostile') ? `<b>${'\u202e'}${'x'.repeat(300)}` : `${id.split('@')[0]} of Acme`,
      email: id.startsWith('as:') ? id.split(':')[2] : id,
      ...(id.startsWith('silent') ? {} : { email_verified: id.startsWith('words') ? 'true' : !id.startsWith('unverified') }),
    }),
  }),
  async loadExistingGrant(ctx) {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

let mode = '';
const part = (data) => Buffer.from(JSON.stringify(data)).toString('base64url');
const signed = (claims, key, kid, header = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(key.privateKey);
const hashed = (claims, header, secret) => {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};
const forged = {
  none: (claims) => `${part({ alg: 'none' })}.${part(claims)}.`,
  hs256: (claims) => hashed(claims, { alg: 'HS256', kid: 'first' }, own.publicKey.export({ type: 'spki', format: 'pem' })),
  hs256_secret: (claims) => hashed(claims, { alg: 'HS256' }, 'a secret: of the client + test'),
  foreign_key: (claims) => signed(claims, foreign, 'first'),
  unknown_key: (claims) => signed(claims, foreign, 'never shown'),
  own_key_in_header: async (claims) => signed(claims, foreign, 'x', { jwk: await exportJWK(foreign.publicKey) }),
  audience: (claims) => signed({ ...claims, aud: 'another' }, own, 'first'),
  audiences: (claims) => signed({ ...claims, aud: ['steelyard', 'another'], azp: 'another' }, own, 'first'),
  issuer: (claims) => signed({ ...claims, iss: 'https://other.example' }, own, 'first'),
  expired: (claims) => signed({ ...claims, iat: claims.iat - 7200, exp: claims.iat - 3600 }, own, 'first'),
  no_expiry: ({ exp, ...claims }) => signed(claims, own, 'first'),
  future: (claims) => signed({ ...claims, iat: claims.iat + 3600, exp: claims.exp + 3600 }, own, 'first'),
  nonce: (claims) => signed({ ...claims, nonce: 'another' }, own, 'first'),
  no_nonce: ({ nonce, ...claims }) => signed(claims, own, 'first'),
  no_subject: ({ sub, ...claims }) => signed(claims, own, 'first'),
  access_token: (claims) => signed({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, own, 'first'),
  garbage: () => 'not.a.token',
  rotated: (claims) => signed(claims, next, 'second'),
  late_clock: (claims) => signed({ ...claims, iat: claims.iat - 3600, exp: Math.floor(Date.now() / 1000) - 30 }, own, 'first'),
};

provider.use(async (ctx, onward) => {
  if (ctx.path === '/test') {
    mode = ctx.query.mode ?? '';
    ctx.body = 'so be it';
    return;
  }
  await onward();
  if (ctx.path === '/token' && ctx.status === 200) {
    if (forged[mode]) {
      const claims = JSON.parse(Buffer.from(ctx.body.id_token.split('.')[1], 'base64url'));
      ctx.body = { ...ctx.body, id_token: await forged[mode](claims) };
    }
    if (mode === 'slow') await sleep(60_000, undefined, { ref: false });
    if (mode === 'huge') ctx.body = { ...ctx.body, padding: 'x'.repeat(5_000_000) };
    if (mode === 'html') { ctx.type = 'html'; ctx.body = '<p>It works!</p>'; }
    if (mode === 'no_token') ctx.body = { access_token: 'a', token_type: 'Bearer' };
  }
  if (ctx.path === '/jwks' && mode === 'rotated') {
    ctx.body = { keys: [await jwk(own.publicKey, 'first'), await jwk(next.publicKey, 'second')] };
  }
  if (ctx.path === '/me' && mode === 'other_person') ctx.body = { ...ctx.body, sub: 'somebody else' };
  if (ctx.path.endsWith('openid-configuration')) {
    if (mode === 'other_issuer') ctx.body = { ...ctx.body, issuer: 'https://other.example' };
    if (mode === 'plain_http') ctx.body = { ...ctx.body, token_endpoint: 'http://id.example/token' };
    if (mode === 'moved') { ctx.status = 302; ctx.redirect('https://other.example/'); }
  }
});

provider.listen(port, '127.0.0.1', () => console.log('listening'));
