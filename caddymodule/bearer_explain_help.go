package caddymodule

import "github.com/caddy-oauth2/caddy-oauth2/introspect"

// help says for each reason how to mend it, to somebody who was woken by it.
var help = map[string]string{
	introspect.ReasonMalformed:   "This is no access token: empty, too long, or a JWT that is cut or changed. See what the client sends after Bearer, and whether a proxy or a copy has cut it.",
	introspect.ReasonIssuer:      "The token is from an issuer that this bearer_auth does not trust. If it should, name the issuer on its line, byte for byte as in iss (mind a slash at the end); else the client asked the wrong server.",
	introspect.ReasonAlgorithm:   "The token's algorithm is not in the issuer's list, or its key is for another one. See `algorithms` of the issuer.",
	introspect.ReasonType:        "This is another kind of token, such as an ID token. The client must send the access token. With `token_type strict` the issuer must set typ to at+jwt.",
	introspect.ReasonUnknownKey:  "The issuer publishes no key of that kid. If it has just changed its keys, run `caddy oauth2-issuers --refresh`; else the token is from another environment.",
	introspect.ReasonSignature:   "The signature does not fit the issuer's key: the token was changed or forged, or two environments use one kid. Treat it as an attack until you know better.",
	introspect.ReasonClaims:      "A claim is missing or not of its type; exp and sub must be there, with `token_type strict` iat, jti and client_id too. The issuer must be mended.",
	introspect.ReasonExpired:     "The token is too old: the client must get a new one before exp. If it is new, a clock is wrong: compare this machine's with the issuer's.",
	introspect.ReasonNotYetValid: "The token is from the future: a clock is wrong. Compare this machine's with the issuer's; `leeway` forgives up to 1m.",
	introspect.ReasonAudience:    "The token is for another API, or for none that it names. Let the client ask for a token for this one (resource or audience in its request) and the issuer put it into aud, or add what is in aud to `audience` if both are the same API.",
	introspect.ReasonBound:       "The token is bound to a key and the request did not prove its possession: the client must send DPoP proofs or its certificate, and this bearer_auth must take them.",
	introspect.ReasonUnbound:     "This bearer_auth asks for tokens that are bound to a key or certificate (`required`), or the client sent an unbound one under the scheme DPoP. The client must ask its issuer for a bound token.",
	introspect.ReasonProof:       "The DPoP proof of the request does not hold. See method, address and clock of the client.",
	introspect.ReasonReplayed:    "The DPoP proof was used before: the client must make a new one for each request.",
	introspect.ReasonNonce:       "The DPoP proof lacks our nonce: the client must repeat the request with that of the DPoP-Nonce header.",
	introspect.ReasonDenied:      "An operator has put it on the deny-list. `caddy oauth2-deny --list` shows the entry; --remove takes it off.",
	introspect.ReasonInactive:    "The issuer does not know the token, or no longer: it was revoked, has expired, or is of another server or realm. The client must get a new one.",
	introspect.ReasonRevoked:     "The token, or the sign-in that it came of, was revoked. The user must sign in again.",
	reasonNoToken:                "The request has no token.",
	reasonMalformed:              "The request has more than one credential, or a malformed one. It must be the header Authorization with Bearer, one space and the token.",
	reasonAmbiguousPath:          "An upstream could read this path as another one (dot segments, //, %2f and the like). The client must send it plainly.",
	reasonNoRule:                 "No line of this bearer_auth allows method and path: add an `allow` line if they should be open.",
	reasonScope:                  "The token lacks scope that the rule asks for. The client must ask for it, and be allowed to get it.",
	reasonClaim:                  "The token lacks a claim value that the rule asks for. The issuer must put it in, or the rule is wrong.",
	reasonExpression:             "The expression of the rule is not true for this token and request, or it failed; the log says so at level debug. A claim that may be missing needs has() in it.",
	reasonLogin:                  "The rule asks for a stronger or more recent login (acr, max_age) than the token speaks of. The client must send the user to sign in again with what the challenge says.",
	reasonHeaderValue:            "A claim cannot be written into a header.",
	reasonUnavailable:            "Nobody can check the token now, so requests get 503. `caddy oauth2-issuers` shows which issuer cannot be reached and why.",
	reasonMatcher:                "A matcher of the configuration failed; Caddy's log says how.",
	reasonPanic:                  "bearer_auth failed; Caddy's log has the stack. Please report it.",
}

func helpFor(reason string) string {
	if text, ok := help[reason]; ok {
		return text
	}
	return "See docs/gateway.md for this reason."
}
