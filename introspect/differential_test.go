package introspect_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RS33, F21, F22: whatever a cache remembers, forgets or mixes up, routes decide
// alike, whoever is denied meanwhile and whatever a caller can prove. A million
// requests are
//
//	DIFFERENTIAL_ROUNDS=50 go test -run TestRS33 -timeout 1h ./introspect
const differentialRequests = 20_000

// rounds reads how many times as long as usual a test is to run.
func rounds(name string) int {
	if factor, err := strconv.Atoi(os.Getenv(name)); err == nil && factor > 0 {
		return factor
	}
	return 1
}

// dice are the same in every run.
type dice uint64

func (d *dice) roll(sides int) int {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int(uint64(*d) >> 33 % uint64(sides))
}

// ledger is a realm of this process: it knows its tokens and which of them are
// revoked. Each revocation makes earlier verdicts old.
type ledger struct {
	tokens  map[string]introspect.Token
	revoked map[string]bool
	epoch   uint64
}

func (l *ledger) Introspect(_ context.Context, token oauth.Secret) (*introspect.Token, error) {
	found, known := l.tokens[token.Reveal()]
	switch {
	case !known:
		return nil, &introspect.Refusal{Reason: introspect.ReasonMalformed}
	case l.revoked[token.Reveal()]:
		return nil, &introspect.Refusal{Reason: introspect.ReasonRevoked}
	}
	found.Generation = l.epoch
	return &found, nil
}

func (l *ledger) Current(token *introspect.Token) bool { return token.Generation == l.epoch }

// differential is a world with several issuers, whose tokens go to routes that
// differ in what they ask, each of them there once for each cache.
type differential struct {
	t        *testing.T
	random   dice
	offset   atomic.Int64 // of the clock that issuer and routes read
	servers  []*issuer
	keys     [][]signingKey
	local    *ledger
	caches   []*introspect.Cache
	routes   [][]*introspect.Introspector
	denied   *introspect.DenyList
	holder   holder
	tokens   []string
	minted   int
	seen     map[string]int
	hits, ok int
}

const partner = "https://partner.example.com"

func (d *differential) now() time.Time { return time.Now().Add(time.Duration(d.offset.Load())) }

func newDifferential(t *testing.T) *differential {
	t.Helper()
	d := &differential{
		t: t, random: 1, seen: map[string]int{}, holder: newHolder(), local: &ledger{tokens: map[string]introspect.Token{}, revoked: map[string]bool{}},
	}
	d.denied = introspect.NewDenyList(d.now)
	one, err := introspect.NewCache(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.Close)
	colliding, err := introspect.NewCacheWithHash(1000, func([sha256.Size]byte) uint64 { return 7 })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(colliding.Close)
	d.caches = []*introspect.Cache{nil, newCache(t), one, colliding}
	var issuers []introspect.Issuer
	for _, address := range []string{idp, partner} {
		keys := []signingKey{newKey("a", oauth.ES256), newKey("b", oauth.EdDSA)}
		server := newIssuer(keys[0])
		server.url = address
		remote := start(t, server, func(f *introspect.Foreign) {
			f.Refresh, f.MaxStale, f.Now = time.Minute, 3*time.Minute, d.now
			if address == idp {
				withClient(f)
			}
		})
		d.servers, d.keys = append(d.servers, server), append(d.keys, keys)
		issuers = append(issuers, remote.Issuer(address))
	}
	synctest.Wait()
	issuers = append(issuers, introspect.Issuer{
		Name: "/", URL: localURL, Source: d.local, Fingerprint: 1, Local: true,
		Opaque: func(token string) bool { return strings.HasPrefix(token, ownPrefix) },
	})
	// A proof is used up by being looked at: each cache has a register of its own.
	registers := []introspect.ProofRegister{&spent{now: d.now}, &spent{now: d.now}, &spent{now: d.now}, &spent{now: d.now}}
	for n, asks := range []introspect.Config{
		{Issuers: issuers, Audiences: []string{api}, Leeway: 10 * time.Second},
		{Issuers: issuers, Audiences: []string{"https://b.example.com", "https://c.example.com"}},
		{Issuers: issuers[1:], Audiences: []string{api}, Leeway: time.Minute},
		{Issuers: issuers[:1], Audiences: []string{api}, Leeway: 30 * time.Second},
	} {
		var same []*introspect.Introspector
		for which, cache := range d.caches {
			asks.Cache, asks.Now, asks.OwnPrefixes, asks.DenyList = cache, d.now, []string{ownPrefix}, d.denied
			asks.DPoP = proofs(n, registers[which])
			made, err := introspect.New(asks)
			if err != nil {
				t.Fatal(err)
			}
			same = append(same, made)
		}
		d.routes = append(d.routes, same)
	}
	return d
}

// mint makes one more token, of any kind, and forgets the oldest.
func (d *differential) mint() {
	d.minted++
	from := d.random.roll(len(d.servers))
	key, now := d.keys[from][d.random.roll(2)], d.now()
	all := claims(now, map[string]any{
		"iss": d.servers[from].url, "sub": fmt.Sprint("user", d.random.roll(10)), "jti": fmt.Sprint(d.minted), "sid": fmt.Sprint("login", d.random.roll(40)), "iat": now.Unix() - int64(d.random.roll(60)) + 15,
		"exp": now.Unix() + int64(d.random.roll(900)) - 60, "nbf": now.Unix() + int64(d.random.roll(90)) - 70,
		"aud": [][]string{{api}, {api, "https://b.example.com"}, {"https://b.example.com"}, {"https://other.example.com"}}[d.random.roll(4)],
	})
	var token string
	switch d.random.roll(18) {
	case 0:
		all["iss"] = "https://nobody.example.com"
		token = key.sign("at+jwt", all)
	case 1:
		token = key.sign("JWT", claims(now, map[string]any{"iss": d.servers[from].url, "nonce": "n"}))
	case 2, 10, 11:
		all["cnf"] = d.holder.binding(d.random.roll(5))
		token = key.sign("at+jwt", all)
		d.holder.bound[token] = true
	case 3: // the twin of a good token, but for its signature
		good := key.sign("at+jwt", all)
		token = good[:len(good)-20] + strings.Repeat("A", 18) + good[len(good)-2:]
	case 4, 5:
		token = fmt.Sprint("opaque", d.minted)
		d.servers[0].answer(token, active(map[string]any{"exp": all["exp"], "nbf": all["nbf"], "iat": all["iat"], "sub": all["sub"], "aud": all["aud"]}))
	case 6:
		token = fmt.Sprint("unknown", d.minted)
	case 7, 8:
		token = fmt.Sprint(ownPrefix, d.minted)
		d.local.tokens[token] = introspect.Token{Issuer: localURL, Subject: "demo", SessionID: fmt.Sprint("login", d.random.roll(40)), Audience: []string{api}, Expires: now.Unix() + int64(d.random.roll(900)) - 20}
	case 9:
		token = "eyJ" + strings.Repeat("x", d.random.roll(50)) + "."
	default:
		token = key.sign("at+jwt", all)
	}
	if d.tokens = append(d.tokens, token); len(d.tokens) > 200 {
		delete(d.local.tokens, d.tokens[0])
		delete(d.local.revoked, d.tokens[0])
		delete(d.holder.bound, d.tokens[0])
		delete(d.holder.used, d.tokens[0])
		d.servers[0].answer(d.tokens[0], nil)
		d.tokens = d.tokens[1:]
	}
}

// recent is one of the tokens, rather a new one than an old one.
func (d *differential) recent() string {
	return d.tokens[max(0, len(d.tokens)-1-d.random.roll(1+d.random.roll(80)))]
}

// answer sets what the issuer says when it is asked for a token; nil for nothing.
func (i *issuer) answer(token string, verdict any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen, i.bodies = nil, nil // or a long run would keep all of its requests
	if i.tokens[token] = verdict; verdict == nil {
		delete(i.tokens, token)
	}
}

// happen lets now and then happen what changes verdicts.
func (d *differential) happen(step int) {
	if step%20 == 0 {
		d.mint()
	}
	server := d.servers[d.random.roll(len(d.servers))]
	switch d.random.roll(800) {
	case 0: // keys are rotated, or both are there, or none can be read for a while
		for n, server := range d.servers {
			server.fault(jwksPath, nil)
			server.set(d.keys[n][d.random.roll(2):]...)
		}
	case 1:
		server.fault(jwksPath, down)
	case 2:
		server.fault(jwksPath, nil)
		pass(2 * time.Minute)
	case 3: // the clock is set, forth or back
		d.offset.Store(int64(d.random.roll(60)-30) * int64(time.Second))
	case 4, 5, 6, 7, 8, 9, 10, 11:
		d.local.revoked[d.recent()] = true
		d.local.epoch++
	case 12, 13, 14, 15, 16, 17:
		d.deny()
	}
	if step == 50 { // from then on it is known who is denied
		d.denied.Apply(nil)
	}
	pass(time.Duration(d.random.roll(500)) * time.Millisecond)
}

// decided is all that a route says of a token.
func decided(at *introspect.Introspector, presented introspect.Presented) (said string, cached bool) {
	result, err := at.Introspect(context.Background(), presented)
	var refusal *introspect.Refusal
	var fault *introspect.Unavailable
	switch {
	case err == nil:
		found := result.Token
		return fmt.Sprintf("ok %s %s %s %s %s %s", result.Issuer, found.Subject, found.ClientID, found.Scope, found.ID, result.Nonce), result.Cached
	case errors.As(err, &refusal):
		return refusal.Reason + " " + result.Issuer + " " + result.Nonce, false
	case errors.As(err, &fault):
		return "unavailable " + result.Issuer, false
	default:
		return "no verdict", false
	}
}

// request asks one route, once for each cache.
func (d *differential) request(step int) {
	token := d.recent()
	which := d.random.roll(len(d.routes))
	presented := d.holder.present(token, &d.random, d.now())
	want, _ := decided(d.routes[which][0], presented)
	word, _, _ := strings.Cut(want, " ")
	if words := strings.Split(want, " "); word == introspect.ReasonNonce {
		d.holder.nonce = words[len(words)-1]
	}
	d.seen[word]++
	for n, at := range d.routes[which][1:] {
		got, cached := decided(at, presented)
		if got != want {
			d.t.Fatalf("request %d, route %d, cache %d: %q, without a cache %q, for %s", step, which, n+1, got, want, token)
		}
		if n == 0 && word == "ok" {
			d.ok++
			if cached {
				d.hits++
			}
		}
	}
	d.caches[1].Wait() // this one is warm
}

func TestRS33_F21_F22_DecisionsAreTheSameWithAnyCacheAndWithout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDifferential(t)
		total := differentialRequests * rounds("DIFFERENTIAL_ROUNDS")
		for step := range total {
			d.happen(step)
			d.request(step)
		}
		t.Logf("%d requests, %d tokens, verdicts %v, of the good ones %d of %d from the warm cache", total, d.minted, d.seen, d.hits, d.ok)
		for _, word := range []string{
			"ok", "unavailable", introspect.ReasonExpired, introspect.ReasonNotYetValid, introspect.ReasonAudience, introspect.ReasonUnknownKey,
			introspect.ReasonSignature, introspect.ReasonIssuer, introspect.ReasonBound, introspect.ReasonType, introspect.ReasonInactive,
			introspect.ReasonRevoked, introspect.ReasonMalformed, introspect.ReasonDenied, introspect.ReasonUnbound, introspect.ReasonProof,
			introspect.ReasonReplayed, introspect.ReasonNonce,
		} {
			if d.seen[word] == 0 {
				t.Errorf("no request ended with %q", word)
			}
		}
		if d.hits < d.ok/2 {
			t.Errorf("%d of %d good requests were hits: the warm cache is cold", d.hits, d.ok)
		}
	})
}
