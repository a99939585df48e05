package factor_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// use has a device answer what is asked.
func (w *world) use(t testing.TB, ask factor.Ask, d *device) (factor.Used, error) {
	t.Helper()
	options, err := w.PasskeyRequest(t.Context(), ask)
	must(t, err)
	return w.VerifyPasskey(t.Context(), ask, d.get(t, options))
}

var (
	anyone  = factor.Ask{Binding: laptop}
	alices  = factor.Ask{Account: alice, Binding: laptop}
	certain = factor.Ask{Account: alice, Binding: laptop, Verified: true}
)

func TestPasskeysAreAddedAndUsed(t *testing.T) {
	w := newWorld(t)
	for name, d := range map[string]*device{
		"ES256": newDevice(t), "EdDSA": newDevice(t).ed25519(t), "RS256": newDevice(t).rsa(t),
	} {
		added := w.addPasskey(t, alice, d)
		w.wantTold(t, "alice factor_added kind=passkey")
		if added.Kind != factor.Passkey || added.Label != "Key" || !added.Added.Equal(w.clock()) || !added.LastUsed.IsZero() || added.Synced {
			t.Errorf("%s: %+v", name, added)
		}
		for _, ask := range []factor.Ask{anyone, alices, certain} {
			w.pass(time.Second)
			used, err := w.use(t, ask, d)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if used.Account != alice || used.Credential.ID != added.ID || !used.UserVerified || !used.Credential.LastUsed.Equal(w.clock()) {
				t.Errorf("%s: %+v", name, used)
			}
		}
	}
	has, err := w.Of(t.Context(), alice)
	must(t, err)
	if len(has.Passkeys) != 3 || has.TOTP || !has.Any() {
		t.Errorf("%+v", has)
	}
	w.wantTold(t)
}

func TestOptionsAreWhatTheRealmAsksFor(t *testing.T) {
	w := newWorld(t)
	first := w.addPasskey(t, alice, newDevice(t))
	made, err := w.PasskeyCreation(t.Context(), alice, "alice", "Alice", laptop)
	must(t, err)
	o := read(t, made)
	var algorithms []int
	for _, parameter := range o.PubKeyCredParams {
		algorithms = append(algorithms, parameter.Alg)
	}
	if o.RP.ID != rpID || o.RP.Name != "Example: Inc." || o.User.Name != "alice" || o.User.DisplayName != "Alice" ||
		!slices.Equal(algorithms, []int{-7, -8, -257}) || o.Attestation != "none" ||
		o.AuthenticatorSelection.ResidentKey != "preferred" || o.AuthenticatorSelection.UserVerification != "preferred" ||
		len(o.Exclude) != 1 || o.Exclude[0].ID != first.ID {
		t.Errorf("%s", made)
	}
	// One handle an account, of which nobody reads who it is.
	again, err := w.PasskeyCreation(t.Context(), alice, "alice", "", laptop)
	must(t, err)
	bobs, err := w.PasskeyCreation(t.Context(), bob, "bob", "", laptop)
	must(t, err)
	theirs, err := w.other.PasskeyCreation(t.Context(), alice, "alice", "", laptop)
	must(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil || len(raw) != 32 || read(t, again).User.ID != o.User.ID || read(t, bobs).User.ID == o.User.ID || read(t, theirs).User.ID == o.User.ID {
		t.Errorf("user handle %s", o.User.ID)
	}
	for ask, want := range map[factor.Ask]string{anyone: "required", alices: "preferred", certain: "required"} {
		text, err := w.PasskeyRequest(t.Context(), ask)
		must(t, err)
		o := read(t, text)
		if o.RPID != rpID || o.UserVerification != want || len(o.Allow) != 0 != (ask != anyone) || len(o.Challenge) < 22 {
			t.Errorf("%s", text)
		}
	}
	_, err = w.PasskeyRequest(t.Context(), factor.Ask{Account: bob, Binding: laptop})
	wantError(t, err, factor.ErrNotFound)
	if _, err := w.PasskeyRequest(t.Context(), factor.Ask{}); err == nil {
		t.Error("a challenge without a binding")
	}
}

// RFC 8176: what a passkey proves.
func TestRFC8176_WhatAPasskeyProves(t *testing.T) {
	for name, tt := range map[string]struct {
		flags byte
		amr   []string
		level login.Level
	}{
		"bound to a device":              {present, []string{login.AMRHardwareKey}, login.LevelSingle},
		"bound to a device and verified": {present | verified, []string{login.AMRHardwareKey, login.AMRUser}, login.LevelPhishingResistant},
		"to be synced":                   {present | eligible, []string{login.AMRSoftwareKey}, login.LevelSingle},
		"synced and verified":            {present | verified | eligible | backedUp, []string{login.AMRSoftwareKey, login.AMRUser}, login.LevelPhishingResistant},
	} {
		w, d := newWorld(t), newDevice(t)
		d.flags = tt.flags
		added := w.addPasskey(t, alice, d)
		used, err := w.use(t, alices, d)
		if err != nil || !slices.Equal(used.AMR, tt.amr) || login.LevelOf(used.AMR) != tt.level || added.Synced != (tt.flags&eligible != 0) {
			t.Errorf("%s: %+v, %v", name, used, err)
		}
		if with := append([]string{login.AMRPassword}, used.AMR...); login.LevelOf(with) < login.LevelMultiple {
			t.Errorf("%s: with a password it is %d", name, login.LevelOf(with))
		}
	}
}

// A device that lies when it is used.
func TestPasskeysThatLieSignNobodyIn(t *testing.T) {
	for name, tt := range map[string]struct {
		ask factor.Ask
		lie func(d *device)
	}{
		"another site":                {alices, func(d *device) { d.origin = "https://evil.example" }},
		"a site below":                {alices, func(d *device) { d.origin = "https://login.auth.example.com" }},
		"another scheme":              {alices, func(d *device) { d.origin = "http://auth.example.com" }},
		"another port":                {alices, func(d *device) { d.origin = origin + ":8443" }},
		"the default port":            {alices, func(d *device) { d.origin = origin + ":443" }},
		"capitals":                    {alices, func(d *device) { d.origin = "https://AUTH.example.com" }},
		"a path":                      {alices, func(d *device) { d.origin = origin + "/oauth2" }},
		"inside another site's page":  {alices, func(d *device) { d.client = map[string]any{"crossOrigin": true} }},
		"and says whose":              {alices, func(d *device) { d.client = map[string]any{"crossOrigin": true, "topOrigin": "https://evil.example"} }},
		"a topOrigin alone":           {alices, func(d *device) { d.client = map[string]any{"topOrigin": origin} }},
		"crossOrigin that is a text":  {alices, func(d *device) { d.client = map[string]any{"crossOrigin": "false"} }},
		"another domain":              {alices, func(d *device) { d.rpID = "example.com" }},
		"another ceremony":            {alices, func(d *device) { d.kind = "webauthn.create" }},
		"a challenge of its own":      {alices, func(d *device) { d.challenge = encode(make([]byte, 56)) }},
		"no challenge":                {alices, func(d *device) { d.client = map[string]any{"challenge": ""} }},
		"nobody is present":           {alices, func(d *device) { d.flags = verified }},
		"nobody was verified":         {certain, func(d *device) { d.flags = present }},
		"nor at a first factor":       {anyone, func(d *device) { d.flags = present }},
		"no handle at a first factor": {anyone, func(d *device) { d.handle = nil }},
		"another user's handle":       {anyone, func(d *device) { d.handle = []byte("another user") }},
		"the same at a second factor": {alices, func(d *device) { d.handle = []byte("another user") }},
		"now it can be backed up":     {alices, func(d *device) { d.flags |= eligible }},
		"backed up, though it cannot": {alices, func(d *device) { d.flags |= backedUp }},
		"more behind the data":        {alices, func(d *device) { d.extra = []byte{0} }},
		"another key":                 {alices, func(d *device) { d.key = newDevice(t).key }},
		"a key of another algorithm":  {alices, func(d *device) { d.ed25519(t) }},
		"an id that nobody has":       {alices, func(d *device) { d.credential = make([]byte, 32) }},
		"an id that is empty":         {alices, func(d *device) { d.credential = nil }},
		"client data without an end":  {alices, func(d *device) { d.client = map[string]any{"padding": strings.Repeat("x", 5000)} }},
		"a response that never ends":  {alices, func(d *device) { d.credential = make([]byte, factor.MaxResponse) }},
		"data that is too short":      {alices, func(d *device) { d.short = true }},
		"attested data without any":   {alices, func(d *device) { d.flags |= attested }},
		"extensions without any":      {alices, func(d *device) { d.flags |= 0x80 }},
	} {
		w, d := newWorld(t), newDevice(t)
		w.addPasskey(t, alice, d)
		w.addPasskey(t, bob, newDevice(t))
		honest := *d
		tt.lie(d)
		_, err := w.use(t, tt.ask, d)
		if !errors.Is(err, factor.ErrPasskey) || errors.Is(err, factor.ErrCloned) {
			t.Errorf("%s: %v", name, err)
		}
		// The truth is good still.
		if _, err := w.use(t, tt.ask, &honest); err != nil {
			t.Errorf("%s: then %v", name, err)
		}
	}
}

// A response is good for what was asked, where it was asked, once and in time.
func TestAChallengeIsForOneCeremony(t *testing.T) {
	w, d := newWorld(t), newDevice(t)
	w.addPasskey(t, alice, d)
	w.addPasskey(t, bob, newDevice(t))
	response := func(ask factor.Ask) string {
		options, err := w.PasskeyRequest(t.Context(), ask)
		must(t, err)
		return d.get(t, options)
	}
	verify := func(name string, f *factor.Factors, ask factor.Ask, text string, want error) {
		t.Helper()
		if _, err := f.VerifyPasskey(t.Context(), ask, text); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	phone := alices
	phone.Binding = "cookie of the phone"
	bobs := alices
	bobs.Account = bob
	verify("another browser", w.Factors, phone, response(alices), factor.ErrStale)
	verify("no browser", w.Factors, factor.Ask{Account: alice}, response(alices), factor.ErrStale)
	verify("another account", w.Factors, bobs, response(alices), factor.ErrStale)
	verify("another account's passkey", w.Factors, bobs, response(bobs), factor.ErrPasskey)
	verify("another realm", w.other, alices, response(alices), factor.ErrStale)
	verify("a first factor from a second one's", w.Factors, anyone, response(alices), factor.ErrStale)
	verify("more than was asked", w.Factors, certain, response(alices), factor.ErrStale)
	verify("less than was asked", w.Factors, alices, response(certain), factor.ErrStale)
	creation, err := w.PasskeyCreation(t.Context(), alice, "alice", "", laptop)
	must(t, err)
	verify("a creation's", w.Factors, alices, d.get(t, creation), factor.ErrStale)
	request, err := w.PasskeyRequest(t.Context(), alices)
	must(t, err)
	_, err = w.AddPasskey(t.Context(), alice, "", newDevice(t).create(t, strings.Replace(request, `{`, `{"user":{"id":"AAAA"},`, 1)), laptop)
	wantError(t, err, factor.ErrStale)

	long := strings.Replace(response(alices), "{", `{"padding":"`+strings.Repeat("x", factor.MaxResponse)+`",`, 1)
	verify("too long", w.Factors, alices, long, factor.ErrPasskey)

	once := response(alices)
	verify("once", w.Factors, alices, once, nil)
	verify("twice", w.Factors, alices, once, factor.ErrStale)
	late := response(alices)
	w.pass(time.Hour)
	verify("too late", w.Factors, alices, late, factor.ErrStale)
	before := response(alices)
	w.rotate(t)
	verify("after a rotation of the key", w.Factors, alices, before, nil)
	verify("of a passkey that is gone", w.Factors, alices, func() string {
		text := response(alices)
		w.removeAll(t, alice)
		return text
	}(), factor.ErrPasskey)
}

// Web Authentication §6.1.1
func TestACounterThatGoesBackIsToldOf(t *testing.T) {
	w, d := newWorld(t), newDevice(t)
	d.counter = 5
	w.addPasskey(t, alice, d)
	w.wantTold(t, "alice factor_added kind=passkey")
	for _, step := range []struct {
		counter uint32
		want    error
	}{{6, nil}, {6, factor.ErrCloned}, {3, factor.ErrCloned}, {0, factor.ErrCloned}, {9, nil}} {
		d.counter = step.counter
		_, err := w.use(t, alices, d)
		if !errors.Is(err, step.want) {
			t.Errorf("%d: %v", step.counter, err)
		}
	}
	const cloned = "alice passkey_clone_suspected"
	w.wantTold(t, cloned, cloned, cloned)

	// One that begins to count is good, and one that does not count.
	d = newDevice(t)
	w.addPasskey(t, alice, d)
	for _, d.counter = range []uint32{0, 0, 1, 2} {
		_, err := w.use(t, alices, d)
		must(t, err)
	}
}

func TestOf16UsesWithOneCountOneIsIn(t *testing.T) {
	w, d := newWorld(t), newDevice(t)
	w.addPasskey(t, alice, d)
	d.counter = 1
	texts := make([]string, 16)
	for n := range texts {
		options, err := w.PasskeyRequest(t.Context(), alices)
		must(t, err)
		texts[n] = d.get(t, options)
	}
	results := make(chan error, len(texts))
	for _, text := range texts {
		go func() {
			_, err := w.VerifyPasskey(t.Context(), alices, text)
			results <- err
		}()
	}
	in := 0
	for range texts {
		if err := <-results; err == nil {
			in++
		} else {
			wantError(t, err, factor.ErrCloned)
		}
	}
	if in != 1 {
		t.Errorf("%d are in", in)
	}
}

func TestPasskeysThatCannotBeAdded(t *testing.T) {
	for name, lie := range map[string]func(d *device){
		"another site":           func(d *device) { d.origin = "https://evil.example" },
		"another domain":         func(d *device) { d.rpID = "evil.example" },
		"another ceremony":       func(d *device) { d.kind = "webauthn.get" },
		"another challenge":      func(d *device) { d.challenge = encode(make([]byte, 56)) },
		"nobody is present":      func(d *device) { d.flags = 0 },
		"backed up, though not":  func(d *device) { d.flags |= backedUp },
		"a short id":             func(d *device) { d.credential = d.credential[:15] },
		"a long id":              func(d *device) { d.credential = make([]byte, 1024) },
		"more behind the key":    func(d *device) { d.extra = []byte{0xa0} },
		"ES384":                  func(d *device) { d.cose[3] = -35 },
		"no algorithm":           func(d *device) { delete(d.cose, 3) },
		"a point off the curve":  func(d *device) { d.cose[-2] = make([]byte, 32) },
		"a key of another type":  func(d *device) { d.cose[1] = 1 },
		"a symmetric key":        func(d *device) { d.cose = map[int]any{1: 4, 3: 5, -1: make([]byte, 32)} },
		"an RSA key that is big": func(d *device) { d.cose = map[int]any{1: 3, 3: -257, -1: big(1024), -2: []byte{1, 0, 1}} },
		"an RSA key that is not": func(d *device) { d.cose = map[int]any{1: 3, 3: -257, -1: big(128), -2: []byte{1, 0, 1}} },
		"PS256, not offered":     func(d *device) { d.cose = map[int]any{1: 3, 3: -37, -1: big(256), -2: []byte{1, 0, 1}} },
	} {
		w, d := newWorld(t), newDevice(t)
		lie(d)
		options, err := w.PasskeyCreation(t.Context(), alice, "alice", "", laptop)
		must(t, err)
		if _, err := w.AddPasskey(t.Context(), alice, "", d.create(t, options), laptop); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("%s: %v", name, err)
		}
		w.wantTold(t)
	}
}

func big(bytes int) []byte {
	n := make([]byte, bytes)
	n[0], n[bytes-1] = 0x80, 1
	return n
}

func TestAPasskeyIsAddedOnceToOneAccount(t *testing.T) {
	w, d := newWorld(t), newDevice(t)
	options, err := w.PasskeyCreation(t.Context(), alice, "alice", "", laptop)
	must(t, err)
	text := d.create(t, options)
	_, err = w.AddPasskey(t.Context(), alice, "", text, "cookie of the phone")
	wantError(t, err, factor.ErrStale)
	_, err = w.AddPasskey(t.Context(), bob, "", text, laptop)
	wantError(t, err, factor.ErrStale)
	_, err = w.AddPasskey(t.Context(), alice, "", text, laptop)
	must(t, err)
	_, err = w.AddPasskey(t.Context(), alice, "", text, laptop)
	wantError(t, err, factor.ErrStale)
	options, err = w.PasskeyCreation(t.Context(), bob, "bob", "", laptop)
	must(t, err)
	_, err = w.AddPasskey(t.Context(), bob, "", d.create(t, options), laptop)
	wantError(t, err, factor.ErrExists)
	for range store.MaxCredentials - 1 {
		w.addPasskey(t, alice, newDevice(t))
	}
	_, err = w.PasskeyCreation(t.Context(), alice, "alice", "", laptop)
	wantError(t, err, factor.ErrTooMany)
	secret := w.NewTOTP("alice").Secret
	wantError(t, w.ConfirmTOTP(t.Context(), alice, secret, code(t, secret, w.clock()), ""), factor.ErrTooMany)
}

func TestWhereThereArePasskeys(t *testing.T) {
	for issuer, want := range map[string]bool{
		"https://auth.example.com/oauth2": true, "https://auth.example.com:8443/oauth2": true, "http://localhost:8080/oauth2": true,
		"http://127.0.0.1:8080/oauth2": false, "https://192.0.2.1/oauth2": false, "https://[2001:db8::1]/oauth2": false,
	} {
		if got := factor.New(factor.Parts{Issuer: issuer}).HasPasskeys(); got != want {
			t.Errorf("%s: %v", issuer, got)
		}
	}
}
