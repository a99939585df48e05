package login

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// MaxClaimsBytes bounds the claims of a stored account, as JSON.
const MaxClaimsBytes = 16 << 10

var errManyClaims = fmt.Errorf("have more than %d bytes: leave some out", MaxClaimsBytes)

// ReadClaims reads the claims of an account from a JSON object, standard ones as
// the types that OpenID Connect gives them. A claim without a value is left out.
func ReadClaims(text []byte) (map[string]any, error) {
	if len(text) > MaxClaimsBytes {
		return nil, errManyClaims
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // as it is written, however large
	var written map[string]any
	if err := decoder.Decode(&written); err != nil {
		return nil, errors.New("are no JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("are more than one JSON object")
	}
	claims := make(map[string]any, len(written))
	for name, value := range written {
		if ProtocolClaim(name) {
			return nil, fmt.Errorf("have %q, which belongs to the protocol and cannot be set for a user: remove it", name)
		}
		if value == nil {
			continue
		}
		if wanted := misfit(name, value); wanted != "" {
			return nil, fmt.Errorf("have %q, which must be %s", name, wanted)
		}
		claims[name] = value
	}
	return claims, nil
}

// misfit says what the value of a standard claim must be that is something else.
func misfit(name string, value any) string {
	switch name {
	case "email_verified", "phone_number_verified":
		if _, ok := value.(bool); !ok {
			return "true or false"
		}
	case "updated_at":
		if number, ok := value.(json.Number); !ok || !integer(number) {
			return "a number of seconds since 1970"
		}
	case "address":
		address, ok := value.(map[string]any)
		for _, line := range address {
			_, text := line.(string)
			ok = ok && text
		}
		if !ok {
			return "an object with texts such as street_address, postal_code and country"
		}
	default:
		if _, ok := value.(string); !ok && slices.Contains(oauth.StandardClaims(), name) {
			return "text"
		}
	}
	return ""
}

func integer(number json.Number) bool {
	_, err := number.Int64()
	return err == nil
}

// ClaimsText is the stored form of claims that ReadClaims has read.
func ClaimsText(claims map[string]any) (string, error) {
	if len(claims) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(claims)
	if err == nil && len(text) > MaxClaimsBytes { // escaped, they are longer
		err = errManyClaims
	}
	return string(text), err
}
