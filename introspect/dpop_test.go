package introspect_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	badProof = introspect.ReasonProof + " " + oauth.CodeInvalidDPoPProof
	replayed = introspect.ReasonReplayed + " " + oauth.CodeInvalidDPoPProof
	useNonce = introspect.ReasonNonce + " " + oauth.CodeUseDPoPNonce
)

func TestG72_G73_G74_G75_G76_G78_ABadProofIsRefusedAndNotStored(t *testing.T) {
	key, other, known := dpoptest.NewKey(), dpoptest.NewKey(), new(register)
	at := proving(t, vouching{Key: key.Thumbprint()}, known, nil)
	with := func(changes map[string]any) introspect.Presented { return request(key, changes) }
	changed := func(change func(*introspect.Presented)) introspect.Presented {
		presented := request(key, nil)
		change(&presented)
		return presented
	}
	broken := func(presented introspect.Presented) introspect.Presented {
		proof := presented.Proofs[0]
		presented.Proofs = []string{proof[:len(proof)-20] + "AAAAAAAAAAAAAAAAAAAA"}
		return presented
	}
	for name, presented := range map[string]introspect.Presented{
		"no proof":      changed(func(p *introspect.Presented) { p.Proofs = nil }),
		"two":           changed(func(p *introspect.Presented) { p.Proofs = append(p.Proofs, p.Proofs[0]) }),
		"no JWT":        changed(func(p *introspect.Presented) { p.Proofs = []string{"x"} }),
		"100 KB":        changed(func(p *introspect.Presented) { p.Proofs = []string{strings.Repeat("A.", 50<<10)} }),
		"signature":     broken(request(key, nil)),
		"another key":   request(other, nil),
		"another path":  changed(func(p *introspect.Presented) { p.Target += "/1" }),
		"no target":     changed(func(p *introspect.Presented) { p.Target = "" }),
		"method":        changed(func(p *introspect.Presented) { p.Method = "POST" }),
		"an hour early": with(map[string]any{"iat": proofTime.Unix() + 3600}),
		"an hour late":  with(map[string]any{"iat": proofTime.Unix() - 3600}),
		"iat as text":   with(map[string]any{"iat": "1800000000"}),
		"no iat":        with(map[string]any{"iat": nil}),
		"no jti":        with(map[string]any{"jti": nil}),
		"no ath":        with(map[string]any{"ath": nil}),
		"another token": with(map[string]any{"ath": aThumbprint}),
	} {
		if got, nonce := outcome(at, presented); got != badProof || nonce != "" {
			t.Errorf("%s: %q, nonce %q", name, got, nonce)
		}
	}
	if len(known.spent) != 0 {
		t.Errorf("%d bad proofs were stored", len(known.spent))
	}
	for _, late := range []int64{-10, 10, 60} {
		if got, _ := outcome(at, with(map[string]any{"iat": proofTime.Unix() - late})); got != "ok" {
			t.Errorf("G75: a proof made %d s ago: %q", late, got)
		}
	}
}

func TestG77_AProofWorksOnce(t *testing.T) {
	key, known := dpoptest.NewKey(), new(register)
	at := proving(t, vouching{Key: key.Thumbprint()}, known, nil)
	used := request(key, map[string]any{"iat": proofTime.Unix() - 5})
	var accepted atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			switch got, _ := outcome(at, used); got {
			case "ok":
				accepted.Add(1)
			case replayed:
			default:
				t.Error(got)
			}
		})
	}
	all.Wait()
	if accepted.Load() != 1 {
		t.Errorf("accepted %d times", accepted.Load())
	}
	for id, expires := range known.spent {
		// As long as any configuration could take it: 5 minutes and a minute of
		// leeway, and a minute more for nodes whose clocks are apart.
		if want := proofTime.Add(-5*time.Second + 7*time.Minute); !expires.Equal(want) {
			t.Errorf("it is forgotten at %v, want %v", expires, want)
		}
		if digest, err := hex.DecodeString(id); err != nil || len(digest) != 32 {
			t.Errorf("stored as %q", id)
		}
	}
}

// The same jti is another one for another key and another server, and the same
// for another path.
func TestG77_WhatMakesAProofTheSame(t *testing.T) {
	key, other, known := dpoptest.NewKey(), dpoptest.NewKey(), new(register)
	jti := map[string]any{"jti": "1"}
	first := proving(t, vouching{Key: key.Thumbprint()}, known, nil)
	if got, _ := outcome(first, request(key, jti)); got != "ok" {
		t.Fatal(got)
	}
	elsewhere := request(key, map[string]any{"jti": "1", "htu": api + "/users"})
	elsewhere.Target = api + "/users"
	if got, _ := outcome(first, elsewhere); got != replayed {
		t.Errorf("another path: %q", got)
	}
	if got, _ := outcome(proving(t, vouching{Key: other.Thumbprint()}, known, nil), request(other, jti)); got != "ok" {
		t.Errorf("another key: %q", got)
	}
	moved := proving(t, vouching{Key: key.Thumbprint()}, known, func(config *introspect.Config) { config.DPoP.Origin = "https://other.test" })
	if got, _ := outcome(moved, request(key, jti)); got != "ok" {
		t.Errorf("another server: %q", got)
	}
}

func TestG77_ARegisterThatCannotTellIsNoVerdict(t *testing.T) {
	key := dpoptest.NewKey()
	for _, nonce := range []time.Duration{0, time.Minute} {
		at := proving(t, vouching{Key: key.Thumbprint()}, &register{fault: errors.New("database is gone")}, func(config *introspect.Config) {
			config.DPoP.Nonce = nonce
		})
		if got, _ := outcome(at, request(key, nil)); got != "unavailable" {
			t.Errorf("nonce %v: %q", nonce, got)
		}
	}
}

func TestDPoPSettings(t *testing.T) {
	for name, change := range map[string]func(*introspect.DPoP){
		"none":            func(d *introspect.DPoP) { d.Algorithms = nil },
		"symmetric":       func(d *introspect.DPoP) { d.Algorithms = []string{"HS256"} },
		"no alg at all":   func(d *introspect.DPoP) { d.Algorithms = []string{"none"} },
		"no register":     func(d *introspect.DPoP) { d.Register = nil },
		"no origin":       func(d *introspect.DPoP) { d.Origin = "" },
		"no age":          func(d *introspect.DPoP) { d.MaxAge = 0 },
		"too old":         func(d *introspect.DPoP) { d.MaxAge = 6 * time.Minute },
		"too short":       func(d *introspect.DPoP) { d.Nonce = time.Millisecond },
		"too long":        func(d *introspect.DPoP) { d.Nonce = 2 * time.Hour },
		"negative nonces": func(d *introspect.DPoP) { d.Nonce = -time.Minute },
	} {
		d := introspect.DPoP{Algorithms: []string{oauth.ES256}, MaxAge: time.Minute, Origin: api, Register: new(register)}
		change(&d)
		_, err := introspect.New(introspect.Config{
			Issuers: []introspect.Issuer{{Name: "corp", URL: idp, Source: vouching{}}}, Audiences: []string{api}, Now: time.Now, DPoP: &d,
		})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
