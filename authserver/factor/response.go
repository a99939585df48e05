package factor

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Web Authentication §5.8.1, §6.1, §7.1 and §7.2. The formats are read by
// go-webauthn; which of them are good here is decided below.

// MaxResponse bounds the field passkey of a form, in bytes.
const MaxResponse = 64 << 10

const (
	// A credential id has 100 bits of randomness at least (§4) and 1023 bytes at most
	// (§7.1).
	minCredentialID = 16
	maxCredentialID = 1023
	// RSA keys within these bounds are verified in no time.
	minRSABytes = 2048 / 8
	maxRSABytes = 4096 / 8
	maxClient   = 4 << 10
)

// algorithms are those that passkeys can sign with, the best first.
var algorithms = []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256}

// response is what passkey.js makes of a PublicKeyCredential.
type response struct {
	id string
	// clientData is what the browser says, as it was signed.
	clientData []byte
	client     protocol.CollectedClientData
	// authenticator is what the device says, as it was signed.
	authenticator []byte
	device        protocol.AuthenticatorData
	// An assertion has these.
	signature, userHandle []byte
	// A new credential may have these.
	transports []string
}

// parseResponse reads the response of a ceremony. It judges nothing but its form.
func parseResponse(text string, create bool) (response, error) {
	var r response
	if len(text) > MaxResponse {
		return r, errors.New("too long")
	}
	object, err := oauth.DecodeObject([]byte(text))
	if err != nil {
		return r, err
	}
	inner, ok := object["response"].(map[string]any)
	if !ok || object["type"] != "public-key" {
		return r, errors.New("not a public-key credential")
	}
	read := reader{}
	r.id = base64.RawURLEncoding.EncodeToString(read.bytes(object, "id"))
	r.clientData = read.bytes(inner, "clientDataJSON")
	if create {
		r.authenticator = read.attested(read.bytes(inner, "attestationObject"))
		r.transports = knownTransports(inner)
	} else {
		r.authenticator = read.bytes(inner, "authenticatorData")
		r.signature = read.bytes(inner, "signature")
		if inner["userHandle"] != nil {
			r.userHandle = read.bytes(inner, "userHandle")
		}
	}
	if read.err != nil {
		return response{}, read.err
	}
	if r.client, err = parseClient(r.clientData); err != nil {
		return response{}, err
	}
	if err := r.device.Unmarshal(r.authenticator); err != nil {
		return response{}, fmt.Errorf("authenticator data: %w", err)
	}
	return r, nil
}

// reader reads members, up to the first that is not as it should be.
type reader struct{ err error }

// bytes reads a member in base64url that must be there.
func (r *reader) bytes(object map[string]any, name string) []byte {
	text, _ := object[name].(string)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if r.err == nil && (err != nil || len(raw) == 0) {
		r.err = fmt.Errorf("%s is not base64url", name)
	}
	return raw
}

// attested takes the authenticator data out of an attestation object. We ask for no
// attestation, and look at none that comes unasked (§7.1 step 21).
func (r *reader) attested(object []byte) []byte {
	if r.err != nil {
		return nil
	}
	var parsed protocol.AttestationObject
	if err := webauthncbor.Unmarshal(object, &parsed); err != nil {
		r.err = fmt.Errorf("attestation object: %w", err)
	} else if parsed.Format == "" || parsed.Format == string(protocol.AttestationFormatNone) && len(parsed.AttStatement) != 0 {
		r.err = errors.New("attestation object: a statement of no format")
	}
	return parsed.RawAuthData
}

// parseClient reads the client data. Browsers add members to it, so unknown ones
// are good; none is twice.
func parseClient(raw []byte) (client protocol.CollectedClientData, err error) {
	if len(raw) > maxClient {
		return client, errors.New("client data: too long")
	}
	object, err := oauth.DecodeObject(raw)
	if err != nil {
		return client, fmt.Errorf("client data: %w", err)
	}
	text := func(name string) string {
		value, ok := oauth.StringMember(object, name)
		if !ok {
			err = fmt.Errorf("client data: %s is not a text", name)
		}
		return value
	}
	client.Type = protocol.CeremonyType(text("type"))
	client.Challenge, client.Origin, client.TopOrigin = text("challenge"), text("origin"), text("topOrigin")
	if cross, present := object["crossOrigin"]; present && cross != false {
		client.CrossOrigin = true
	}
	return client, err
}

// knownTransports are how a device is reached, for the browser's own use.
func knownTransports(inner map[string]any) (known []string) {
	list, _ := inner["transports"].([]any)
	for _, transport := range []string{"ble", "hybrid", "internal", "nfc", "smart-card", "usb"} {
		if slices.Contains(list, any(transport)) {
			known = append(known, transport)
		}
	}
	return known
}

// checkKey says whether a public key is one that we verify with.
func checkKey(raw []byte) error {
	key, err := webauthncose.ParsePublicKey(raw)
	if err != nil {
		return detailed(err)
	}
	algorithm := int64(0)
	switch key := key.(type) {
	case webauthncose.EC2PublicKeyData:
		algorithm = key.Algorithm
	case webauthncose.OKPPublicKeyData:
		algorithm = key.Algorithm
	case webauthncose.RSAPublicKeyData:
		algorithm = key.Algorithm
		if len(key.Modulus) < minRSABytes || len(key.Modulus) > maxRSABytes || len(key.Exponent) > 4 {
			return fmt.Errorf("an RSA key of %d bytes", len(key.Modulus))
		}
	}
	if !slices.Contains(algorithms, webauthncose.COSEAlgorithmIdentifier(algorithm)) {
		return fmt.Errorf("algorithm %d was not offered", algorithm)
	}
	return nil
}

// checkSignature verifies an assertion (§7.2 steps 21 and 22).
func checkSignature(r response, key []byte) error {
	parsed, err := webauthncose.ParsePublicKey(key)
	if err != nil {
		return detailed(err)
	}
	hash := sha256.Sum256(r.clientData)
	if ok, err := webauthncose.VerifySignature(parsed, slices.Concat(r.authenticator, hash[:]), r.signature); err != nil || !ok {
		return errors.New("the signature does not verify")
	}
	return nil
}
