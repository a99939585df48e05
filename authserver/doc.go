// Package authserver is an OAuth 2.0 authorization server and OpenID provider as
// a library. It knows no Caddy: it takes a store, keys and settings, and gives an
// http.Handler.
//
// It owns the wiring: which path leads to which realm and endpoint, and what
// outlives a configuration (Backend), which is also where a gateway keeps what its
// nodes must know together: the deny-list, the proofs that were used, the keys of
// nonces and assertions. The Backend is one node of those that share a store: it
// hears of what the others have changed, doubts its own clock, ends what rests on
// accounts that have changed, tells clients of sessions that are over, and while it
// holds the lease deletes what has expired and rotates keys. Everything else is in
// a package of its own:
//
//	oauth         the RFCs' vocabulary and rules, without I/O
//	outbound      how other sites are reached
//	audit         what is told of security events, and how
//	store         what is remembered, as atomic steps; sqlstore keeps it in SQL
//	registration  what an operator writes of a client, and its rules; importer reads
//	              it from the exports of other servers
//	hashing       slow hashes of passwords and secrets, under a bound
//	keys          the keys of a realm, and those of no realm
//	token         tokens, codes and assertions, made and opened; what was revoked
//	clientauth    which client is calling
//	login         who is signing in, and sessions; ldap asks a directory, oidc
//	              another provider
//	factor        second factors and passkeys
//	realm         one issuer at run time
//	browser       what the pages of a realm have in common: cookies, forms, who it is
//	grants        the token endpoint
//	signin        how people sign in at a browser
//	authorize     the authorization endpoint and consent
//	account       what people see of their own, and end
//	logout        signing out, and telling clients of it
//	endpoint      every other endpoint
//	pages         the HTML
//	wire          forms in, JSON and errors out
//
// # Where an RFC is
//
// Sections are named in the files, at the checks.
//
//	RFC 4226 (HOTP) and RFC 6238 (TOTP)
//		factor/code.go factor/totp.go
//	RFC 4291 (IPv6 addresses)
//		outbound/private.go
//	RFC 6052 (IPv4 in IPv6)
//		outbound/private.go
//	RFC 6265 (cookies)
//		browser/cookies.go browser/sealed.go
//	RFC 6598 (shared addresses)
//		outbound/private.go
//	RFC 6749 (OAuth 2.0)
//		authorize/authorize.go authorize/consent.go authorize/issue.go authorize/request.go
//		authorize/respond.go authorize/target.go clientauth/authenticate.go clientauth/basic.go
//		clientauth/none.go clientauth/post.go grants/authorization_code.go grants/client_credentials.go
//		grants/endpoint.go grants/families.go grants/grant.go grants/password.go grants/refresh_token.go
//		grants/response.go oauth/basic.go oauth/form.go oauth/redirecturi.go oauth/scope.go
//		pages/formtoken.go token/code.go token/refresh.go
//		login/oidc/answer.go login/oidc/provider.go
//	RFC 6750 (bearer tokens)
//		endpoint/userinfo.go oauth/bearer.go
//	RFC 3986 (URI)
//		oauth/dpoptarget.go
//	RFC 6890 (special addresses)
//		outbound/private.go
//	RFC 7009 (revocation)
//		endpoint/revocation.go token/revocations.go
//	RFC 7515 (JWS)
//		oauth/jws.go token/jws.go
//	RFC 7517 (JWK)
//		endpoint/jwks.go keys/jwks.go oauth/keyset.go
//		login/oidc/keys.go
//	RFC 7518 (JWA)
//		keys/generate.go oauth/jwk.go oauth/verifykey.go token/jws.go
//	RFC 7519 (JWT)
//		oauth/json.go token/assertion.go token/claims.go
//	RFC 7617 (Basic)
//		clientauth/basic.go oauth/basic.go
//	RFC 7636 (PKCE)
//		grants/authorization_code.go oauth/pkce.go
//		login/oidc/depart.go login/oidc/provider.go
//	RFC 7638 (JWK thumbprints)
//		keys/external.go oauth/jwk.go
//	RFC 7662 (introspection)
//		endpoint/introspection.go
//	RFC 8037 (EdDSA)
//		oauth/jwk.go oauth/verifykey.go
//	RFC 8176 (amr)
//		factor/use_passkey.go login/assurance.go
//	RFC 8252 (native apps)
//		authorize/decide.go oauth/redirecturi.go
//	RFC 8414 (metadata)
//		endpoint/metadata.go oauth/issuer.go routes.go
//	RFC 8446 (TLS)
//		outbound/client.go
//	RFC 8705 (mutual TLS)
//		oauth/certificate.go
//	RFC 8707 (resource indicators)
//		grants/endpoint.go oauth/resource.go
//	RFC 8725 (JWT best practice)
//		oauth/json.go oauth/jws.go
//		login/oidc/idtoken.go
//	RFC 9068 (JWT access tokens)
//		token/access.go token/exchange.go
//	RFC 4647 (language tags)
//		pages/language.go
//	RFC 9106 (argon2)
//		hashing/argon2id.go
//	RFC 9110 (HTTP)
//		outbound/answer.go outbound/client.go pages/language.go wire/content.go
//	RFC 9207 (issuer in the answer)
//		authorize/respond.go endpoint/metadata.go
//		login/oidc/answer.go login/oidc/metadata.go
//	RFC 9440 (Client-Cert)
//		oauth/certificate.go
//	RFC 9449 (DPoP)
//		oauth/dpop.go oauth/dpoptarget.go oauth/dpoptest/dpoptest.go proofs.go
//	RFC 9470 (step-up authentication)
//		authorize/assurance.go login/assurance.go oauth/errors.go signin/next.go
//	RFC 9700 (OAuth 2.0 security)
//		grants/families.go grants/refresh_token.go oauth/redirecturi.go
//		login/oidc/answer.go login/oidc/depart.go
//	OAuth 2.0 Form Post Response Mode
//		pages/formpost.go
//	OAuth 2.0 Multiple Response Types
//		authorize/respond.go authorize/target.go
//	OpenID Connect Core
//		authorize/assurance.go authorize/consent.go authorize/decide.go authorize/hint.go
//		authorize/issue.go authorize/request.go endpoint/userinfo.go grants/authorization_code.go
//		grants/refresh_token.go grants/response.go login/claims.go oauth/claims.go oauth/errors.go
//		pages/language.go signin/login.go signin/next.go token/id_hint.go token/id_token.go
//		login/oidc/answer.go login/oidc/depart.go login/oidc/idtoken.go login/oidc/person.go
//		login/oidc/provider.go login/oidc/settings.go
//	OpenID Connect RP-Initiated Logout
//		endpoint/metadata.go logout/endpoint.go logout/request.go registration/logout.go
//	OpenID Connect Back-Channel Logout
//		endpoint/metadata.go logout/deliver.go logout/notifier.go registration/logout.go token/logout_token.go
//	OpenID Connect Discovery
//		endpoint/metadata.go oauth/issuer.go
//		login/oidc/metadata.go login/oidc/settings.go
package authserver
