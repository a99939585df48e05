package factor_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// The flags of authenticator data (Web Authentication §6.1).
const (
	present  = 0x01
	verified = 0x04
	eligible = 0x08
	backedUp = 0x10
	attested = 0x40
)

// device is a browser with an authenticator, made of software. Tests let it lie.
type device struct {
	// What it says of where it is, and how.
	origin, rpID string
	kind         string // "" for the right one
	flags        byte
	counter      uint32
	client       map[string]any // more of the client data
	extra        []byte         // behind the authenticator data
	credential   []byte
	handle       []byte
	key          crypto.Signer
	cose         map[int]any
	challenge    string // "" for the one of the options
	short        bool   // cuts the authenticator data
}

func newDevice(t testing.TB) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	d := &device{origin: origin, rpID: rpID, flags: present | verified, key: key, credential: make([]byte, 32)}
	_, _ = rand.Read(d.credential)
	point, err := key.PublicKey.Bytes()
	must(t, err)
	d.cose = map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}
	return d
}

// ed25519 and rsa give the device keys of other kinds.
func (d *device) ed25519(t testing.TB) *device {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	d.key, d.cose = private, map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(public)}
	return d
}

func (d *device) rsa(t testing.TB) *device {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	d.key, d.cose = private, map[int]any{1: 3, 3: -257, -1: private.N.Bytes(), -2: []byte{1, 0, 1}}
	return d
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// options are the parts of options that a browser uses.
type options struct {
	RP struct {
		ID, Name string
	}
	RPID string
	User struct {
		ID, Name, DisplayName string
	}
	Challenge              string
	PubKeyCredParams       []struct{ Alg int }
	Exclude                []struct{ ID string } `json:"excludeCredentials"`
	Allow                  []struct{ ID string } `json:"allowCredentials"`
	UserVerification       string
	Attestation            string
	AuthenticatorSelection struct{ ResidentKey, UserVerification string }
}

func read(t testing.TB, text string) (o options) {
	t.Helper()
	must(t, json.Unmarshal([]byte(text), &o))
	return o
}

func (d *device) clientData(kind, challenge string) []byte {
	if d.kind != "" {
		kind = d.kind
	}
	if d.challenge != "" {
		challenge = d.challenge
	}
	client := map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false, "new_keys_may_be_added_here": "…"}
	for name, value := range d.client {
		client[name] = value
	}
	text, _ := json.Marshal(client)
	return text
}

func (d *device) authenticatorData(flags byte) []byte {
	hash := sha256.Sum256([]byte(d.rpID))
	data := append(hash[:], flags)
	return binary.BigEndian.AppendUint32(data, d.counter)
}

// create answers navigator.credentials.create.
func (d *device) create(t testing.TB, text string) string {
	t.Helper()
	o := read(t, text)
	if d.handle == nil {
		handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
		must(t, err)
		d.handle = handle
	}
	data := d.authenticatorData(d.flags | attested)
	data = append(data, make([]byte, 16)...) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.credential)))
	key, err := webauthncbor.Marshal(d.cose)
	must(t, err)
	data = append(append(append(data, d.credential...), key...), d.extra...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	must(t, err)
	return d.answer(map[string]any{
		"clientDataJSON": encode(d.clientData("webauthn.create", o.Challenge)), "attestationObject": encode(object),
		"transports": []string{"internal", "telepathy"},
	})
}

// get answers navigator.credentials.get.
func (d *device) get(t testing.TB, text string) string {
	t.Helper()
	client := d.clientData("webauthn.get", read(t, text).Challenge)
	data := append(d.authenticatorData(d.flags), d.extra...)
	if d.short {
		data = data[:36]
	}
	hash := sha256.Sum256(client)
	signed := append(data[:len(data):len(data)], hash[:]...)
	var options crypto.SignerOpts = crypto.SHA256
	if _, ok := d.key.(ed25519.PrivateKey); ok {
		options = crypto.Hash(0)
	} else {
		sum := sha256.Sum256(signed)
		signed = sum[:]
	}
	signature, err := d.key.Sign(rand.Reader, signed, options)
	must(t, err)
	inner := map[string]any{"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature)}
	if len(d.handle) > 0 {
		inner["userHandle"] = encode(d.handle)
	}
	return d.answer(inner)
}

func (d *device) answer(inner map[string]any) string {
	text, _ := json.Marshal(map[string]any{"id": encode(d.credential), "type": "public-key", "response": inner})
	return string(text)
}

// addPasskey gives an account the passkey of a device.
func (w *world) addPasskey(t testing.TB, account store.Account, d *device) factor.Credential {
	t.Helper()
	options, err := w.PasskeyCreation(t.Context(), account, account.ID, "", laptop)
	must(t, err)
	added, err := w.AddPasskey(t.Context(), account, "Key", d.create(t, options), laptop)
	must(t, err)
	return added
}
