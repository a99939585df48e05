package factor

import (
	"encoding/json"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Web Authentication §5.4 and §5.5, in the JSON form of §5.1.8 and §5.1.10

// ceremonySeconds is how long a browser may ask its user, 5 minutes (§15.1).
const ceremonyMilliseconds = 5 * 60 * 1000

type creationOptions struct {
	RP struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"rp"`
	User struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	} `json:"user"`
	Challenge string       `json:"challenge"`
	Params    []parameter  `json:"pubKeyCredParams"`
	Timeout   int          `json:"timeout"`
	Exclude   []descriptor `json:"excludeCredentials"`
	Selection struct {
		ResidentKey      string `json:"residentKey"`
		UserVerification string `json:"userVerification"`
	} `json:"authenticatorSelection"`
	Attestation string `json:"attestation"`
}

type requestOptions struct {
	Challenge        string       `json:"challenge"`
	RPID             string       `json:"rpId"`
	Timeout          int          `json:"timeout"`
	Allow            []descriptor `json:"allowCredentials"`
	UserVerification string       `json:"userVerification"`
}

type parameter struct {
	Type      string `json:"type"`
	Algorithm int    `json:"alg"`
}

type descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

const (
	publicKey = "public-key"
	preferred = "preferred"
	required  = "required"
)

// creation makes the options for a new passkey. A device that can find it without a
// username shall do so; one that cannot serves as a second factor.
func (f *Factors) creation(challenge, handle, username, display string, exclude []descriptor) (string, error) {
	o := creationOptions{Challenge: challenge, Timeout: ceremonyMilliseconds, Exclude: exclude, Attestation: "none"}
	o.RP.ID, o.RP.Name = f.site.rpID, f.name
	o.User.ID, o.User.Name, o.User.DisplayName = handle, username, display
	o.Selection.ResidentKey, o.Selection.UserVerification = preferred, preferred
	for _, algorithm := range algorithms {
		o.Params = append(o.Params, parameter{publicKey, int(algorithm)})
	}
	text, err := json.Marshal(o)
	return string(text), err
}

// request makes the options for the use of a passkey.
func (f *Factors) request(challenge string, verified bool, allow []descriptor) (string, error) {
	o := requestOptions{Challenge: challenge, RPID: f.site.rpID, Timeout: ceremonyMilliseconds, Allow: allow, UserVerification: preferred}
	if verified {
		o.UserVerification = required
	}
	text, err := json.Marshal(o)
	return string(text), err
}

// descriptors name the passkeys among stored credentials.
func descriptors(rows []store.Credential) []descriptor {
	list := []descriptor{}
	for _, row := range rows {
		if row.Kind == store.CredentialPasskey {
			data, _ := parsePasskey(row) // the id is enough
			list = append(list, descriptor{publicKey, row.ID, data.Transports})
		}
	}
	return list
}
