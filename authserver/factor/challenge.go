package factor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Web Authentication §13.4.3: a challenge is random, made by us, of this ceremony
// and good once. It is kept nowhere: it authenticates itself, and using it is a
// step of the store.

const (
	challengeRandom = 16
	challengeEnd    = challengeRandom + 8
	challengeBytes  = challengeEnd + 32
	// challengeLifetime is how long a page with it may be left open, as sign-in pages
	// may.
	challengeLifetime = time.Hour
)

// ceremony is what a challenge is for. It holds for nothing else.
type ceremony struct {
	// create tells the adding of a passkey from its use.
	create   bool
	account  store.Account
	verified bool
	binding  string
}

// message is what authenticates the first part of a challenge.
func (f *Factors) message(c ceremony, head []byte) []byte {
	kind := "get"
	if c.create {
		kind = "create"
	}
	if c.verified {
		kind += " verified"
	}
	return join(kind, f.parts.Realm, f.site.origin, c.account.Service, c.account.ID, c.binding, string(head))
}

// challenge makes the challenge of a ceremony.
func (f *Factors) challenge(c ceremony) (string, error) {
	if c.binding == "" {
		return "", errors.New("a passkey is asked for without a binding to the browser")
	}
	head := make([]byte, challengeRandom, challengeBytes)
	_, _ = rand.Read(head)                                                                          // never fails
	head = binary.BigEndian.AppendUint64(head, uint64(f.parts.Now().Add(challengeLifetime).Unix())) //nolint:gosec // it is after 1970
	sum, err := mac(f.parts.Keys.Secret(store.KeyFactor), useChallenge, f.message(c, head))
	return base64.RawURLEncoding.EncodeToString(append(head, sum...)), err
}

// genuine says until when a challenge is good that was made for a ceremony.
func (f *Factors) genuine(c ceremony, challenge string) (until time.Time, ok bool) {
	if c.binding == "" || len(challenge) != base64.RawURLEncoding.EncodedLen(challengeBytes) {
		return time.Time{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil {
		return time.Time{}, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(raw[challengeRandom:challengeEnd])), 0) //nolint:gosec // authenticated below
	for _, key := range f.parts.Keys.Secrets(store.KeyFactor) {
		sum, err := mac(key, useChallenge, f.message(c, raw[:challengeEnd]))
		if err == nil && hmac.Equal(sum, raw[challengeEnd:]) {
			return until, f.parts.Now().Before(until)
		}
	}
	return time.Time{}, false
}

// spend uses up a challenge, once it is known that a passkey has signed it.
func (f *Factors) spend(ctx context.Context, challenge string, until time.Time) error {
	err := f.parts.Store.Spend(ctx, "passkey:"+challenge, until)
	if errors.Is(err, store.ErrExists) {
		return ErrStale
	}
	return err
}
