// A mock issuer that others wrote, on loopback: it signs whatever a test asks
// for.
//
//   node oauth2-mock-server.mjs PORT
//
// The form member "lie" of a token request is JSON that is merged into the claims
// of the token; null takes one away.
import { OAuth2Server } from 'oauth2-mock-server';

const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');
await server.issuer.keys.generate('ES256');
await server.start(Number(process.argv[2]), '127.0.0.1');
server.issuer.url = `http://127.0.0.1:${process.argv[2]}`;

server.service.on('beforeTokenSigning', (token, req) => {
  Object.assign(token.payload, { sub: 'alice', client_id: 'shop', jti: crypto.randomUUID() });
  for (const [name, value] of Object.entries(JSON.parse(req.body.lie ?? '{}'))) {
    if (value === null) delete token.payload[name];
    else token.payload[name] = value;
  }
});
console.log('ready');
