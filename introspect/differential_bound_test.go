package introspect_test

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// The parts of the differential test that are not about tokens themselves: what
// their callers prove, and what operators deny.

// holder has a key and a certificate that tokens may be bound to.
type holder struct {
	key, other  *dpoptest.Key
	certificate []byte
	// bound has the tokens that are bound to something, used the last proof that
	// was sent with a token, nonce what the server gave last.
	bound map[string]bool
	used  map[string]string
	nonce string
}

func newHolder() holder {
	return holder{dpoptest.NewKey(), dpoptest.NewKey(), []byte("a certificate in DER"), map[string]bool{}, map[string]string{}, ""}
}

// binding is one of five cnf.
func (h *holder) binding(which int) map[string]any {
	jkt, x5t := h.key.Thumbprint(), oauth.CertificateThumbprint(h.certificate)
	return []map[string]any{
		{"jkt": jkt}, {"jkt": jkt}, {"x5t#S256": x5t}, {"jkt": jkt, "x5t#S256": x5t},
		{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
	}[which]
}

// present makes a request with a token: by its holder or a thief, with a proof that
// is good, somebody else's, for another token, or sent before, or with none.
func (h *holder) present(token string, random *dice, now time.Time) introspect.Presented {
	presented := introspect.Presented{Token: oauth.NewSecret(token), Method: "GET", Target: api + "/orders"}
	if random.roll(2) == 0 {
		presented.Certificate = h.certificate
	}
	if !h.bound[token] && random.roll(10) != 0 {
		return presented
	}
	proof := dpoptest.Proof{Method: "GET", Target: api + "/orders", Token: token, At: now}
	if random.roll(4) != 0 {
		proof.Nonce = h.nonce
	}
	key, sent := h.key, random.roll(12)
	switch {
	case sent < 3:
		return presented
	case sent == 3:
		key = h.other
	case sent == 4:
		proof.Token = "another"
	case sent < 7 && h.used[token] != "":
		presented.DPoP, presented.Proofs = true, []string{h.used[token]}
		return presented
	}
	h.used[token] = key.Sign(proof)
	presented.DPoP, presented.Proofs = true, []string{h.used[token]}
	return presented
}

// spent is a register that forgets proofs that nobody takes any more.
type spent struct {
	register register
	now      func() time.Time
}

func (s *spent) Spend(ctx context.Context, id string, expires time.Time) (bool, error) {
	if len(s.register.spent) > 5000 {
		maps.DeleteFunc(s.register.spent, func(_ string, until time.Time) bool { return s.now().After(until.Add(time.Minute)) })
	}
	return s.register.Spend(ctx, id, expires)
}

func (s *spent) NonceKey(ctx context.Context) ([]byte, error) { return s.register.NonceKey(ctx) }

// proofs are how the nth route takes bound tokens.
func proofs(n int, known introspect.ProofRegister) *introspect.DPoP {
	made := &introspect.DPoP{Algorithms: []string{oauth.ES256}, MaxAge: time.Minute, Origin: api, Register: known}
	switch n {
	case 1:
		made.Nonce = 2 * time.Minute
	case 3:
		return nil
	}
	return made
}

// deny puts something on the deny-list, or takes something off.
func (d *differential) deny() {
	if entries := d.denied.List(); len(entries) > 0 && d.random.roll(3) == 0 {
		entry := entries[d.random.roll(len(entries))]
		entry.Removed = true
		d.denied.Apply([]introspect.Denial{entry})
		return
	}
	now := d.now()
	entry := introspect.Denial{ID: fmt.Sprint(d.random), Expires: now.Add(time.Duration(1+d.random.roll(90)) * time.Second)}
	switch d.random.roll(4) {
	case 0:
		entry.Kind, entry.Value = introspect.DenyToken, fmt.Sprint(d.minted-d.random.roll(20))
	case 1:
		entry.Kind, entry.Value = introspect.DenySubject, fmt.Sprint("user", d.random.roll(10))
	case 2:
		entry.Kind, entry.Value = introspect.DenySession, fmt.Sprint("login", d.random.roll(40))
	case 3:
		entry.Kind, entry.Value, entry.NotBefore = introspect.DenyClient, "web", now.Add(-30*time.Second)
	}
	if d.random.roll(2) == 0 {
		entry.Issuer = []string{idp, partner, localURL}[d.random.roll(3)]
	}
	d.denied.Apply([]introspect.Denial{entry})
}
