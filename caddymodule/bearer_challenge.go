package caddymodule

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6750 §3, RFC 9728 §5.1

// challenges is what every challenge of a bearer_auth says.
type challenges struct {
	// realm is the audience; metadata the address of the resource's metadata
	// (RFC 9728 §5.1), "" for none.
	realm, metadata string
	// proofAlgorithms are those of DPoP proofs, separated by spaces; "" where
	// DPoP is not taken.
	proofAlgorithms string
	// proofRequired says that only DPoP is taken.
	proofRequired bool
}

// answer puts a refusal on the wire: the headers here, the status through
// Caddy, so that handle_errors can write the page.
func (r *refusal) answer(h http.Header, c challenges) error {
	h.Set("Cache-Control", "no-store")
	if !r.silent {
		h["Www-Authenticate"] = r.challenge(c)
		h.Add("Access-Control-Expose-Headers", "WWW-Authenticate")
	}
	giveNonce(h, r.nonce)
	if r.retryAfter > 0 {
		seconds := (r.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	return caddyhttp.Error(r.status, r)
}

// challenge gives the WWW-Authenticate values, one for each scheme that is
// taken. What went wrong stands with the scheme that it is about. Nothing in
// them comes from the request.
func (r *refusal) challenge(c challenges) []string {
	var values []string
	if !c.proofRequired {
		values = append(values, r.challengeOf("Bearer", c))
	}
	if c.proofAlgorithms != "" {
		values = append(values, r.challengeOf(schemeDPoP, c))
	}
	return values
}

func (r *refusal) challengeOf(scheme string, c challenges) string {
	parameters := []string{"realm", c.realm}
	if scheme == cmp.Or(r.scheme, "Bearer") && r.code != "" {
		parameters = append(parameters, "error", r.code, "error_description", r.description)
		parameters = append(parameters, r.parameters...)
	}
	if len(r.scope) > 0 {
		parameters = append(parameters, "scope", r.scope.String())
	}
	if scheme == schemeDPoP {
		parameters = append(parameters, "algs", c.proofAlgorithms)
	}
	if c.metadata != "" {
		parameters = append(parameters, "resource_metadata", c.metadata)
	}
	return oauth.Challenge(scheme, parameters...)
}
