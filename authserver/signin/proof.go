package signin

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// proofLifetime is how long a request counts as signed in for: the time to answer
// the consent page that may follow.
const proofLifetime = 20 * time.Minute

// Prove gives what says that a session was begun for this very errand, or is as
// sure as its user can be for it. It travels in an address and is worth nothing
// without the session's cookie.
func Prove(forms browser.Forms, session *store.Session, digest string, now time.Time) oauth.Secret {
	return forms.Issue(proofClaim(session, digest), now.Add(proofLifetime))
}

// Proven checks what Prove gave. What asks for a new sign-in (prompt=login,
// max_age) is then satisfied, and asks again of every other request and session
// (PG18).
func Proven(forms browser.Forms, proof oauth.Secret, session *store.Session, digest string, now time.Time) bool {
	_, ok := forms.Check(proof, proofClaim(session, digest), now)
	return ok
}

func proofClaim(session *store.Session, digest string) pages.FormClaim {
	return pages.FormClaim{Purpose: "signed in", Browser: session.Digest, Request: digest}
}
