package factor

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6238, and the key URI format that apps read from QR codes. Six digits,
// thirty seconds and SHA-1 are what all apps can do.

const (
	totpID     = "totp"
	totpPeriod = 30 * time.Second
	// totpDrift is how many steps the clock of a device may be apart (RFC 6238 §5.2).
	totpDrift = 1
	// totpBytes is the length of secrets that RFC 4226 §4 recommends.
	totpBytes = 20
)

// NewTOTP is a secret that is to be confirmed. Nothing of it is kept: it travels
// sealed with the page.
type NewTOTP struct {
	// Secret is the secret in base32, as ConfirmTOTP takes it.
	Secret oauth.Secret
	// URI is the otpauth:// address for the QR code. It holds the secret.
	URI oauth.Secret
}

// Groups is the secret in groups of four, for typing.
func (n NewTOTP) Groups() string {
	var groups []string
	text := n.Secret.Reveal()
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), " ")
}

// NewTOTP makes a secret for the app of a user, who is named so in it.
func (f *Factors) NewTOTP(username string) NewTOTP {
	secret := make([]byte, totpBytes)
	_, _ = rand.Read(secret) // never fails
	return f.TOTPOf(username, oauth.NewSecret(base32Text.EncodeToString(secret)))
}

// TOTPOf is NewTOTP for a secret that was made before, to show the page again.
func (f *Factors) TOTPOf(username string, secret oauth.Secret) NewTOTP {
	// A colon parts the issuer from the account.
	plain := strings.NewReplacer(":", " ")
	issuer := plain.Replace(f.name)
	// Some apps read a plus as a plus where a blank is meant.
	query := strings.ReplaceAll(url.Values{"secret": {secret.Reveal()}, "issuer": {issuer}}.Encode(), "+", "%20")
	uri := "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(plain.Replace(username)) + "?" + query
	return NewTOTP{Secret: secret, URI: oauth.NewSecret(uri)}
}

// ConfirmTOTP gives an account the app whose secret it is, in place of one that it
// has, once the app has shown a right code. ErrWrongCode when it has not,
// ErrTooMany when there is no room. The code is used with it.
func (f *Factors) ConfirmTOTP(ctx context.Context, account store.Account, secret oauth.Secret, code, label string) error {
	raw, err := base32Text.DecodeString(secret.Reveal())
	if err != nil || len(raw) != totpBytes {
		return ErrWrongCode // not a secret of ours
	}
	now := f.parts.Now()
	step, ok := matchTOTP(raw, code, now, -1)
	if !ok {
		return ErrWrongCode
	}
	sealed, err := f.seal(account, raw)
	if err != nil {
		return err
	}
	return f.add(ctx, store.Credential{
		Realm: f.parts.Realm, Account: account, Kind: store.CredentialTOTP, ID: totpID,
		Label: cutLabel(label), Data: sealed, Counter: step, Created: now, LastUsed: now,
	})
}

// VerifyTOTP checks a code of the account's app, and uses it up. ErrWrongCode for
// any that is not good, and for an account without an app. Callers count failures.
func (f *Factors) VerifyTOTP(ctx context.Context, account store.Account, code string) error {
	row, err := f.find(ctx, account, func(c store.Credential) bool { return c.Kind == store.CredentialTOTP })
	if errors.Is(err, ErrNotFound) {
		return ErrWrongCode
	}
	if err != nil {
		return err
	}
	secret, current, err := f.unseal(account, row.Data)
	if err != nil {
		return fmt.Errorf("the app of account %s of service %s: %w", account.ID, account.Service, err)
	}
	now := f.parts.Now()
	step, ok := matchTOTP(secret, code, now, row.Counter)
	if !ok {
		return ErrWrongCode
	}
	data := row.Data
	if !current {
		// The next key seals it from now on.
		if data, err = f.seal(account, secret); err != nil {
			return err
		}
	}
	// RFC 6238 §5.2: a code is good once. The store decides who was first.
	err = f.parts.Store.UseCredential(ctx, row, data, step, now)
	if errors.Is(err, store.ErrNotFound) {
		return ErrWrongCode
	}
	return err
}

// matchTOTP finds the step whose code it is, of those after a step that are near
// now. It takes the same time whichever it is.
func matchTOTP(secret []byte, code string, now time.Time, after int64) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	current := now.Unix() / int64(totpPeriod/time.Second)
	for candidate := current - totpDrift; candidate <= current+totpDrift; candidate++ {
		same := subtle.ConstantTimeCompare([]byte(totpCode(secret, candidate)), []byte(code)) == 1
		if same && candidate > after && !ok {
			step, ok = candidate, true
		}
	}
	return step, ok
}
