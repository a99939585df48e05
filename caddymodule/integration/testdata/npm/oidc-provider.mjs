// An authorization server that others wrote, on loopback, for the tests.
//
//   node oidc-provider.mjs PORT
//
// Resources: https://jwt.test gives JWTs (RFC 9068), https://opaque.test opaque
// tokens. Clients: shop (client_credentials), dpop (the same, bound by RFC 9449),
// mtls (bound by RFC 8705), gateway and gateway-key, who may introspect.
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const keys = JSON.parse(readFileSync(0, 'utf8')); // {"gateway": public JWK}
const issuer = `http://127.0.0.1:${port}`;
const client = (client_id, more) => ({
  client_id, client_secret: `${client_id}-secret`, redirect_uris: [], response_types: [],
  grant_types: ['client_credentials'], scope: 'read write', ...more,
});

const provider = new Provider(issuer, {
  clients: [
    client('shop'),
    client('dpop', { dpop_bound_access_tokens: true }),
    client('mtls', { tls_client_certificate_bound_access_tokens: true }),
    client('gateway', { introspection_signed_response_alg: 'RS256' }),
    client('gateway-key', {
      client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [keys.gateway] },
      token_endpoint_auth_signing_alg: 'ES256',
    }),
  ],
  scopes: ['read', 'write'],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true },
    mTLS: {
      enabled: true, certificateBoundAccessTokens: true,
      getCertificate(ctx) {
        const sent = ctx.get('x-test-certificate');
        return sent ? new X509Certificate(Buffer.from(sent, 'base64')) : undefined;
      },
    },
    introspection: {
      enabled: true,
      allowedPolicy: (ctx, client) => client.clientId.startsWith('gateway'),
    },
    jwtIntrospection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'read write', audience: resource, accessTokenTTL: 600,
        accessTokenFormat: resource === 'https://jwt.test' ? 'jwt' : 'opaque',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});

provider.listen(port, '127.0.0.1', () => console.log('ready'));
