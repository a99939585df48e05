package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// proofTime is the time of the tests of proofs.
var proofTime = time.Unix(1_800_000_000, 0)

// vouching is a source for which every token is good, and bound as it says.
type vouching introspect.Confirmation

func (v vouching) Introspect(context.Context, oauth.Secret) (*introspect.Token, error) {
	cnf := map[string]any{}
	if v.Key != "" {
		cnf["jkt"] = v.Key
	}
	if v.Certificate != "" {
		cnf["x5t#S256"] = v.Certificate
	}
	token := &introspect.Token{
		Issuer: idp, Subject: "alice", Audience: []string{api}, Expires: proofTime.Add(time.Hour).Unix(),
		Claims: introspect.ClaimsOf(map[string]any{}), Confirmation: introspect.Confirmation(v),
	}
	if len(cnf) > 0 {
		token.Claims.All()["cnf"] = cnf
	}
	return token, nil
}

func (vouching) Current(*introspect.Token) bool { return true }

// register is one in memory.
type register struct {
	mu    sync.Mutex
	spent map[string]time.Time
	fault error
}

func (r *register) Spend(_ context.Context, id string, expires time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault != nil {
		return false, r.fault
	}
	_, twice := r.spent[id]
	if !twice {
		if r.spent == nil {
			r.spent = map[string]time.Time{}
		}
		r.spent[id] = expires
	}
	return !twice, nil
}

func (r *register) NonceKey(context.Context) ([]byte, error) {
	return []byte("0123456789abcdef"), r.fault
}

// proving is a route that takes DPoP for tokens bound as v says.
func proving(t testing.TB, v vouching, known *register, change func(*introspect.Config)) *introspect.Introspector {
	t.Helper()
	config := introspect.Config{
		Issuers:   []introspect.Issuer{{Name: "corp", URL: idp, Source: v, Opaque: func(string) bool { return true }}},
		Audiences: []string{api}, Leeway: 10 * time.Second, Now: func() time.Time { return proofTime },
		DPoP: &introspect.DPoP{Algorithms: []string{oauth.ES256}, MaxAge: time.Minute, Origin: api, Register: known},
	}
	if change != nil {
		change(&config)
	}
	made, err := introspect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// request is one with a good proof of key for the token "opaque"; changes are
// claims of the proof.
func request(key *dpoptest.Key, changes map[string]any) introspect.Presented {
	proof := dpoptest.Proof{Method: "GET", Target: api + "/orders", Token: "opaque", At: proofTime, Claims: maps.Clone(changes)}
	return introspect.Presented{
		Token: oauth.NewSecret("opaque"), DPoP: true, Proofs: []string{key.Sign(proof)}, Method: "GET", Target: api + "/orders",
	}
}

// outcome is "ok", the reason of a refusal with the code that the caller gets, or
// "unavailable"; and the nonce.
func outcome(at *introspect.Introspector, presented introspect.Presented) (verdict, nonce string) {
	result, err := at.Introspect(context.Background(), presented)
	var refusal *introspect.Refusal
	var unavailable *introspect.Unavailable
	switch {
	case err == nil:
		return "ok", result.Nonce
	case errors.As(err, &unavailable):
		return "unavailable", result.Nonce
	case !errors.As(err, &refusal):
		return fmt.Sprint("neither refusal nor unavailable: ", err), ""
	case refusal.Proof != nil:
		return refusal.Reason + " " + refusal.Proof.Code, result.Nonce
	}
	return refusal.Reason, result.Nonce
}

// Who may use which token: never a bound one without all of its proofs.
func TestRS38_G43_G44_BoundTokensNeedTheirProofs(t *testing.T) {
	key, certificate := dpoptest.NewKey(), []byte("a certificate in DER")
	jkt, x5t := key.Thumbprint(), oauth.CertificateThumbprint(certificate)
	proof := func(presented introspect.Presented) introspect.Presented { return presented }
	bearer := func(presented introspect.Presented) introspect.Presented {
		presented.DPoP = false
		return presented
	}
	certified := func(presented introspect.Presented) introspect.Presented {
		presented.Certificate = certificate
		return presented
	}
	other := func(presented introspect.Presented) introspect.Presented {
		presented.Certificate = []byte("another certificate")
		return presented
	}
	both := func(presented introspect.Presented) introspect.Presented { return certified(presented) }
	const bound, unbound = introspect.ReasonBound, introspect.ReasonUnbound
	for _, c := range []struct {
		name      string
		token     vouching
		presented func(introspect.Presented) introspect.Presented
		// on a route that takes DPoP; that does not; that requires it; that
		// requires a certificate.
		want [4]string
	}{
		{"no binding, Bearer", vouching{}, bearer, [4]string{"ok", "ok", unbound, unbound}},
		{"no binding, DPoP", vouching{}, proof, [4]string{unbound, unbound, unbound, unbound}},
		{"a key, Bearer with a proof beside it", vouching{Key: jkt}, bearer, [4]string{bound, bound, bound, unbound}},
		{"a key, DPoP", vouching{Key: jkt}, proof, [4]string{"ok", bound, "ok", unbound}},
		{"a certificate, without one", vouching{Certificate: x5t}, bearer, [4]string{bound, bound, bound, bound}},
		{"a certificate", vouching{Certificate: x5t}, func(p introspect.Presented) introspect.Presented { return bearer(certified(p)) }, [4]string{"ok", "ok", unbound, "ok"}},
		{"a certificate, with another", vouching{Certificate: x5t}, func(p introspect.Presented) introspect.Presented { return bearer(other(p)) }, [4]string{bound, bound, bound, bound}},
		{"a certificate, DPoP", vouching{Certificate: x5t}, both, [4]string{unbound, unbound, unbound, unbound}},
		{"both, the key alone", vouching{Key: jkt, Certificate: x5t}, proof, [4]string{bound, bound, bound, bound}},
		{"both, the certificate alone", vouching{Key: jkt, Certificate: x5t}, func(p introspect.Presented) introspect.Presented { return bearer(certified(p)) }, [4]string{bound, bound, bound, bound}},
		{"both, with both", vouching{Key: jkt, Certificate: x5t}, both, [4]string{"ok", bound, "ok", "ok"}},
	} {
		for i, change := range []func(*introspect.Config){
			nil,
			func(config *introspect.Config) { config.DPoP = nil },
			func(config *introspect.Config) { config.DPoP.Required = true },
			func(config *introspect.Config) { config.CertificateRequired = true },
		} {
			for _, cache := range []*introspect.Cache{nil, newCache(t)} {
				at := proving(t, c.token, new(register), func(config *introspect.Config) {
					config.Cache = cache
					if change != nil {
						change(config)
					}
				})
				for try := range 2 { // the second hits the cache, where there is one
					if got, _ := outcome(at, c.presented(request(key, nil))); got != c.want[i] {
						t.Errorf("%s, route %d, try %d: %q, want %q", c.name, i, try, got, c.want[i])
					}
					if cache != nil {
						cache.Wait()
					}
				}
			}
		}
	}
}

// A source that forgets to say what its claims say lets nobody in.
func TestG44_ACnfThatNobodyReadIsABinding(t *testing.T) {
	at := proving(t, vouching{}, new(register), func(config *introspect.Config) {
		config.Issuers[0].Source = forgetful{}
	})
	for _, dpop := range []bool{false, true} {
		presented := request(dpoptest.NewKey(), nil)
		presented.DPoP = dpop
		if got, _ := outcome(at, presented); got != introspect.ReasonBound {
			t.Errorf("DPoP %v: %q", dpop, got)
		}
	}
}

type forgetful struct{ vouching }

func (f forgetful) Introspect(ctx context.Context, token oauth.Secret) (*introspect.Token, error) {
	said, err := f.vouching.Introspect(ctx, token)
	said.Claims.All()["cnf"] = map[string]any{"jkt": aThumbprint}
	return said, err
}
