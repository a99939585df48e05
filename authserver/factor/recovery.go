package factor

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	recoveryCodes = 10
	// recoveryChars of five bits each: 60 bits, shown in groups of four.
	recoveryChars = 12
	// recoveryAlphabet has no two characters that are taken for each other
	// (Crockford's base32).
	recoveryAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	// maxRecovery bounds what is looked at of a code that was typed.
	maxRecovery = 64
)

// NewRecoveryCodes makes ten recovery codes for an account, in place of those that
// it has. They are shown once: only digests are kept.
func (f *Factors) NewRecoveryCodes(ctx context.Context, account store.Account) ([]string, error) {
	codes, ids := make([]string, recoveryCodes), make([]string, recoveryCodes)
	for n := range codes {
		code := newRecoveryCode()
		codes[n] = code[:4] + "-" + code[4:8] + "-" + code[8:]
		// The active key is the first.
		digests, err := f.recoveryIDs(account, code)
		if err != nil {
			return nil, err
		}
		ids[n] = digests[0]
	}
	if err := f.parts.Store.ReplaceRecovery(ctx, f.parts.Realm, account, ids, f.parts.Now()); err != nil {
		return nil, err
	}
	f.parts.Tell(ctx, account, audit.RecoveryCodesMade, audit.Detail{Key: audit.Count, Value: strconv.Itoa(recoveryCodes)})
	return codes, nil
}

// UseRecoveryCode uses up a recovery code of an account and says how many are left.
// Case, blanks and dashes do not matter. ErrWrongCode when it is none. Callers count
// failures.
func (f *Factors) UseRecoveryCode(ctx context.Context, account store.Account, code string) (left int, err error) {
	plain, ok := readRecoveryCode(code)
	if !ok {
		return 0, ErrWrongCode
	}
	ids, err := f.recoveryIDs(account, plain)
	if err != nil {
		return 0, err
	}
	// What is looked up is a digest that nobody can make without the key: how long
	// that takes says nothing of the codes that there are.
	left, err = f.parts.Store.UseRecovery(ctx, f.parts.Realm, account, ids)
	if errors.Is(err, store.ErrNotFound) {
		return 0, ErrWrongCode
	}
	if err != nil {
		return 0, err
	}
	f.parts.Tell(ctx, account, audit.RecoveryCodeUsed, audit.Detail{Key: audit.Count, Value: strconv.Itoa(left)})
	return left, nil
}

func newRecoveryCode() string {
	random := make([]byte, recoveryChars)
	_, _ = rand.Read(random) // never fails
	for n, b := range random {
		random[n] = recoveryAlphabet[int(b)%len(recoveryAlphabet)] // 256 is a multiple of it
	}
	return string(random)
}

// readRecoveryCode reads a code as people type it.
func readRecoveryCode(typed string) (code string, ok bool) {
	if len(typed) > maxRecovery {
		return "", false
	}
	code = strings.Map(func(c rune) rune {
		switch c {
		case ' ', '\t', '-', '_', '.', '‐', '‑', '–', '—', '\u00a0':
			return -1
		case 'o':
			return '0'
		case 'i', 'l':
			return '1'
		}
		return c
	}, strings.ToLower(typed))
	return code, len(code) == recoveryChars && strings.Trim(code, recoveryAlphabet) == ""
}

// recoveryIDs are the ids that a code of an account may be stored under: by the
// active key and by those before it.
func (f *Factors) recoveryIDs(account store.Account, code string) ([]string, error) {
	var ids []string
	for _, key := range f.parts.Keys.Secrets(store.KeyFactor) {
		digest, err := mac(key, useRecovery, append(f.owner(account), code...))
		if err != nil {
			return nil, err
		}
		ids = append(ids, base64.RawURLEncoding.EncodeToString(digest))
	}
	if len(ids) == 0 {
		return nil, errors.New("the realm has no factor key")
	}
	return ids, nil
}
