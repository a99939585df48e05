package authorize

import (
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect Core §3.1.2.1 and §5.5.1.1, RFC 9470 §4

// maxACRs is how many acr values of a request are looked at.
const maxACRs = 16

// assurance is how sure a request wants a sign-in to be.
type assurance struct {
	// least must be reached.
	least login.Level
	// acrs are the values that it would like and that there are here, the best
	// first; preferred are their levels.
	acrs      []string
	preferred []login.Level
}

// readAssurance reads acr_values and the claim acr. A value that is essential and
// out of reach is a failed sign-in, which is known already.
func (r *request) readAssurance(s *realm.Settings) error {
	r.least = s.LeastLevel()
	asked := r.claims.IDToken["acr"]
	values := append(slices.Clone(asked.Values), strings.Fields(r.form.Get("acr_values"))...)
	lowest := login.LevelNone
	for i, value := range values[:min(len(values), maxACRs)] {
		level, known := s.ACRs.Level(value)
		if !known || level > s.HighestLevel() {
			continue
		}
		r.acrs, r.preferred = append(r.acrs, value), append(r.preferred, level)
		if i < len(asked.Values) && (lowest == login.LevelNone || level < lowest) {
			lowest = level
		}
	}
	if !asked.Essential || len(asked.Values) == 0 {
		return nil
	}
	if lowest == login.LevelNone {
		return oauth.NewError(oauth.CodeUnmetAuthRequirements, "No sign-in here reaches the requested acr.")
	}
	r.least = max(r.least, lowest)
	return nil
}

// acr is what the client is told of a session: the value it likes best of those
// that the session satisfies, else the session's own.
func (a *assurance) acr(session *store.Session) string {
	level := signin.LevelOf(session.AMR)
	for i, acr := range a.acrs {
		if a.preferred[i] <= level {
			return acr
		}
	}
	return session.ACR
}
