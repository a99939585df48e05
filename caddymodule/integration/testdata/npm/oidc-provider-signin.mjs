// An OpenID provider that others wrote, on loopback, at which people sign in.
//
//   node oidc-provider-signin.mjs PORT
//
// It asks nobody anything: whoever login_hint names signs in, "nobody" cancels.
// Client caddy, with the secret caddy-secret.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'caddy', client_secret: 'caddy-secret', grant_types: ['authorization_code'], response_types: ['code'],
    redirect_uris: ['https://auth.example.com/oauth2/login/callback'],
  }],
  scopes: ['openid', 'profile', 'email'],
  claims: { openid: ['sub', 'groups'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, name: `${id} Example`, preferred_username: id, email: `${id}@example.com`, email_verified: true, groups: ['staff', 'ops'],
    }),
  }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
});

const callback = provider.callback();
createServer(async (req, res) => {
  if (!req.url.startsWith('/interaction/')) return callback(req, res);
  const { params } = await provider.interactionDetails(req, res);
  const result = params.login_hint === 'nobody'
    ? { error: 'access_denied' }
    : { login: { accountId: params.login_hint, amr: ['pwd'] } };
  return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}).listen(port, '127.0.0.1', () => console.log('ready'));
