package factor

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Web Authentication §7.1

// PasskeyCreation makes the options for navigator.credentials.create as JSON, for
// the attribute data-passkey-create. The user is called username and display on
// the device ("" for username again). ErrTooMany when there is no room.
func (f *Factors) PasskeyCreation(ctx context.Context, account store.Account, username, display, binding string) (options string, err error) {
	rows, err := f.parts.Store.Credentials(ctx, f.parts.Realm, account)
	if err != nil {
		return "", err
	}
	if len(Summary(rows).All()) >= store.MaxCredentials {
		return "", ErrTooMany
	}
	handle, err := f.handle(ctx, account)
	if err != nil {
		return "", err
	}
	challenge, err := f.challenge(ceremony{create: true, account: account, binding: binding})
	if err != nil {
		return "", err
	}
	return f.creation(challenge, base64.RawURLEncoding.EncodeToString(handle), username, cmp.Or(display, username), descriptors(rows))
}

// AddPasskey gives an account the passkey that the browser made of PasskeyCreation
// with the same binding, once. ErrPasskey when it is not good, ErrExists and
// ErrTooMany.
func (f *Factors) AddPasskey(ctx context.Context, account store.Account, label, text, binding string) (Credential, error) {
	r, err := parseResponse(text, true)
	if err != nil {
		return Credential{}, bad(err)
	}
	until, ok := f.genuine(ceremony{create: true, account: account, binding: binding}, r.client.Challenge)
	if !ok {
		return Credential{}, ErrStale
	}
	if err := f.site.check(r, protocol.CreateCeremony, false); err != nil {
		return Credential{}, bad(err)
	}
	if err := checkAttested(r); err != nil {
		return Credential{}, bad(err)
	}
	handle, err := f.handle(ctx, account)
	if err != nil {
		return Credential{}, err
	}
	data, err := passkeyData{
		Key: r.device.AttData.CredentialPublicKey, Handle: handle, Transports: r.transports,
		BackupEligible: r.device.Flags.HasBackupEligible(), BackedUp: r.device.Flags.HasBackupState(),
	}.encode()
	if err != nil {
		return Credential{}, err
	}
	if err := f.spend(ctx, r.client.Challenge, until); err != nil {
		return Credential{}, err
	}
	row := store.Credential{
		Realm: f.parts.Realm, Account: account, Kind: store.CredentialPasskey, ID: r.id, Label: cutLabel(label),
		Data: data, Counter: int64(r.device.Counter), Created: f.parts.Now(),
	}
	if err := f.add(ctx, row); err != nil {
		return Credential{}, err
	}
	return shown(row), nil
}

// checkAttested judges the credential inside the authenticator data (§7.1 steps 18
// to 20 and 25).
func checkAttested(r response) error {
	if !r.device.Flags.HasAttestedCredentialData() {
		return errors.New("there is no credential in it")
	}
	id := r.device.AttData.CredentialID
	switch {
	case len(id) < minCredentialID || len(id) > maxCredentialID:
		return errors.New("its id is too short or too long")
	case base64.RawURLEncoding.EncodeToString(id) != r.id:
		return errors.New("its id is not the one that the device made")
	}
	return checkKey(r.device.AttData.CredentialPublicKey)
}
