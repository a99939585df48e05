package factor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// passkeyData is what a passkey is checked with, as it is stored. Nothing of it is
// secret.
type passkeyData struct {
	// Key is the public key (COSE, RFC 9052 §7) in base64.
	Key []byte `json:"key"`
	// Handle is the user handle that the device has with it.
	Handle     []byte   `json:"handle"`
	Transports []string `json:"transports,omitempty"`
	// BackupEligible says that copies may be on several devices, and never changes;
	// BackedUp that there is one now.
	BackupEligible bool `json:"backup_eligible,omitempty"`
	BackedUp       bool `json:"backed_up,omitempty"`
}

func parsePasskey(row store.Credential) (data passkeyData, err error) {
	if err = json.Unmarshal([]byte(row.Data), &data); err != nil {
		err = fmt.Errorf("the stored passkey %.40s cannot be read; remove it: %w", row.ID, err)
	}
	return data, err
}

func (d passkeyData) encode() (string, error) {
	text, err := json.Marshal(d)
	return string(text), err
}

// handle is the user handle of an account: the same for all its passkeys, so that a
// device keeps one of them, and of no meaning to anybody else (Web Authentication
// §14.6.1). The key is not one of those that rotate, and only hides account ids.
func (f *Factors) handle(ctx context.Context, account store.Account) ([]byte, error) {
	random := make([]byte, sha256.Size)
	_, _ = rand.Read(random) // never fails
	text, err := f.parts.Store.Remember(ctx, "passkey handles of "+f.parts.Realm, base64.RawStdEncoding.EncodeToString(random))
	if err != nil {
		return nil, err
	}
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the stored key of user handles: %w", err)
	}
	h := hmac.New(sha256.New, key)
	h.Write(f.owner(account))
	return h.Sum(nil), nil
}

// bad is an ErrPasskey with its cause.
func bad(cause error) error { return fmt.Errorf("%w: %w", ErrPasskey, cause) }
