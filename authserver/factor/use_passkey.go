package factor

import (
	"bytes"
	"context"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Web Authentication §7.2

// Ask is what a passkey is asked for. The one that a response is verified with has
// to be equal to the one that its options were made of.
type Ask struct {
	// Account is whose passkey it has to be. The zero value is whoever it belongs
	// to: a sign-in without a username, for which the user is always verified.
	Account store.Account
	// Verified asks the device to verify the user (a PIN, a finger). Else it may.
	Verified bool
	// Binding is something of this browser alone, such as its cookie for forms: a
	// response from another one is not taken. It is never "".
	Binding string
}

// anyone says whether the passkey alone says who signs in.
func (a Ask) anyone() bool { return a.Account == store.Account{} }

func (a Ask) ceremony() ceremony {
	return ceremony{account: a.Account, verified: a.Verified || a.anyone(), binding: a.Binding}
}

// Used is a passkey that was used.
type Used struct {
	Account    store.Account
	Credential Credential
	// UserVerified says that the device verified the user.
	UserVerified bool
	// AMR are the methods for login.LevelOf.
	AMR []string
}

// PasskeyRequest makes the options for navigator.credentials.get as JSON, for the
// attribute data-passkey-get. ErrNotFound when the account that is asked for has
// no passkey. With the zero Account nothing is read.
func (f *Factors) PasskeyRequest(ctx context.Context, ask Ask) (options string, err error) {
	allow := []descriptor{}
	if !ask.anyone() {
		rows, err := f.parts.Store.Credentials(ctx, f.parts.Realm, ask.Account)
		if err != nil {
			return "", err
		}
		if allow = descriptors(rows); len(allow) == 0 {
			return "", ErrNotFound
		}
	}
	c := ask.ceremony()
	challenge, err := f.challenge(c)
	if err != nil {
		return "", err
	}
	return f.request(challenge, c.verified, allow)
}

// VerifyPasskey checks what the browser made of PasskeyRequest, once. ErrPasskey
// when it is not good; it may be an ErrStale or ErrCloned. The account of the zero
// Ask is known by its id alone: callers ask its service whether it may sign in.
func (f *Factors) VerifyPasskey(ctx context.Context, ask Ask, text string) (Used, error) {
	r, err := parseResponse(text, false)
	if err != nil {
		return Used{}, bad(err)
	}
	c := ask.ceremony()
	until, ok := f.genuine(c, r.client.Challenge)
	if !ok {
		return Used{}, ErrStale
	}
	if err := f.site.check(r, protocol.AssertCeremony, c.verified); err != nil {
		return Used{}, bad(err)
	}
	row, err := f.parts.Store.Passkey(ctx, f.parts.Realm, r.id)
	if errors.Is(err, store.ErrNotFound) {
		return Used{}, bad(errors.New("nobody has it"))
	}
	if err != nil {
		return Used{}, err
	}
	data, err := parsePasskey(row)
	if err != nil {
		return Used{}, err
	}
	if err := checkOwner(ask, row, data, r); err != nil {
		return Used{}, bad(err)
	}
	if err := checkSignature(r, data.Key); err != nil {
		return Used{}, bad(err)
	}
	if err := f.spend(ctx, r.client.Challenge, until); err != nil {
		return Used{}, err
	}
	if row, err = f.count(ctx, row, data, r); err != nil {
		return Used{}, err
	}
	return usedOf(row, data, r), nil
}

// checkOwner says whether a passkey is of the account that is asked for (§7.2 steps
// 5, 6 and 19).
func checkOwner(ask Ask, row store.Credential, data passkeyData, r response) error {
	switch {
	case !ask.anyone() && row.Account != ask.Account:
		return errors.New("another account has it")
	case ask.anyone() && len(r.userHandle) == 0:
		return errors.New("the device does not say whose it is")
	case len(r.userHandle) > 0 && !bytes.Equal(r.userHandle, data.Handle):
		return errors.New("the device has it for another user")
	case r.device.Flags.HasBackupEligible() != data.BackupEligible:
		return errors.New("whether it can be backed up has changed")
	}
	return nil
}

// count notes the use of a passkey, whose counter must go up if it counts at all
// (§6.1.1).
func (f *Factors) count(ctx context.Context, row store.Credential, data passkeyData, r response) (store.Credential, error) {
	counter, now := int64(r.device.Counter), f.parts.Now()
	if counter <= row.Counter && (counter != 0 || row.Counter != 0) {
		return row, f.cloned(ctx, row)
	}
	data.BackedUp = r.device.Flags.HasBackupState()
	text, err := data.encode()
	if err != nil {
		return row, err
	}
	err = f.parts.Store.UseCredential(ctx, row, text, counter, now)
	if errors.Is(err, store.ErrNotFound) {
		// It was used or removed while we looked at it.
		latest, err := f.parts.Store.Passkey(ctx, row.Realm, row.ID)
		if err == nil && counter != 0 && counter <= latest.Counter {
			return row, f.cloned(ctx, row)
		}
		return row, ErrStale
	}
	row.LastUsed = now
	return row, err
}

func (f *Factors) cloned(ctx context.Context, row store.Credential) error {
	f.parts.Tell(ctx, row.Account, audit.PasskeyCloneSuspected)
	return ErrCloned
}

// usedOf says how somebody signed in (RFC 8176 §2).
func usedOf(row store.Credential, data passkeyData, r response) Used {
	used := Used{Account: row.Account, Credential: shown(row), UserVerified: r.device.Flags.HasUserVerified()}
	used.AMR = []string{"hwk"}
	if data.BackupEligible {
		used.AMR = []string{"swk"}
	}
	if used.UserVerified {
		used.AMR = append(used.AMR, "user")
	}
	return used
}
