package oidc

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Core §2, §5.1 and §5.7

const (
	// maxClaims and maxClaimsBytes bound what is kept of an account.
	maxClaims      = 64
	maxClaimsBytes = 16 << 10
	// derivedPrefix begins ids that are made of others.
	derivedPrefix = "sha256."
)

// person is what a provider says of somebody, in our words.
type person struct {
	id, username string
	claims       map[string]any
}

// read judges what the provider said and takes over what the settings let. service
// is the name that the ids are of.
func (s *Settings) read(theirs map[string]any, service string) (person, error) {
	if s.needsVerifiedEmail() {
		if verified, _ := truth(theirs["email_verified"]); !verified {
			return person{}, refused(ReasonEmail, "the provider does not say that the email is verified")
		}
	}
	for _, condition := range s.Allow {
		if !condition.holds(theirs[condition.Claim]) {
			return person{}, refused(ReasonNotAllowed, "the claim "+condition.Claim+" is not as allow says")
		}
	}
	id, _ := theirs[s.IDClaim].(string)
	if id == "" {
		return person{}, refused(ReasonNoID, "there is no text in the claim "+s.IDClaim)
	}
	p := person{id: accountID(id, service), claims: s.claims(theirs)}
	size, err := json.Marshal(p.claims)
	if err != nil || len(size) > maxClaimsBytes || len(p.claims) > maxClaims {
		return person{}, refused(ReasonClaims, "the claims of the account are larger than what is kept of one")
	}
	p.username = username(p.claims, p.id)
	return p, nil
}

// username is what an account is called: its id when it has no name that fits.
func username(claims map[string]any, id string) string {
	name, _ := claims["preferred_username"].(string)
	email, _ := claims["email"].(string)
	if name = cmp.Or(name, email); name == "" || len(name) > login.MaxUsernameBytes {
		return id
	}
	return name
}

// accountID makes an id of a foreign one. Most stay as they are. One that has a
// colon, other characters than printable ASCII, or is too long to stand in sub
// behind the name of the service, is told by its hash; so is one that looks like
// such a hash, that nobody chooses the id of another.
func accountID(theirs, service string) string {
	longest := 255 - len(service) - len(":")
	plain := !strings.HasPrefix(theirs, derivedPrefix) && len(theirs) <= longest
	for i := range len(theirs) {
		plain = plain && theirs[i] >= 0x20 && theirs[i] <= 0x7e && theirs[i] != ':'
	}
	if plain {
		return theirs
	}
	sum := sha256.Sum256([]byte(theirs))
	return derivedPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// claims takes the standard claims, and others where the settings name them. What
// has the wrong type is left out.
func (s *Settings) claims(theirs map[string]any) map[string]any {
	claims := map[string]any{}
	take := func(ours, name string) {
		if value, ok := typed(ours, theirs[name]); ok {
			claims[ours] = value
		}
	}
	for _, name := range oauth.StandardClaims() {
		take(name, name)
	}
	for ours, name := range s.Claims {
		delete(claims, ours)
		take(ours, name)
	}
	// What the provider verified is its own email, not what is called so here.
	for _, name := range []string{"email", "phone_number"} {
		_, verified := s.Claims[name+"_verified"]
		if theirs, renamed := s.Claims[name]; renamed && theirs != name && !verified {
			delete(claims, name+"_verified")
		}
	}
	return claims
}

// typed gives a claim the type that OpenID Connect Core §5.1 gives it.
func typed(name string, value any) (any, bool) {
	switch name {
	case "email_verified", "phone_number_verified":
		return truth(value)
	case "updated_at":
		number, ok := value.(json.Number)
		return number, ok
	case "address":
		members, ok := value.(map[string]any)
		for _, member := range members {
			_, text := member.(string)
			ok = ok && text
		}
		return members, ok
	}
	if slices.Contains(oauth.StandardClaims(), name) {
		text, ok := value.(string)
		return text, ok && text != "" && !strings.ContainsFunc(text, unicode.IsControl)
	}
	return value, value != nil
}

// truth reads a boolean. Some providers write it as text.
func truth(value any) (truth, ok bool) {
	switch value {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return false, false
}

// holds says whether a claim, or an element of it, is one of the values.
func (c Condition) holds(value any) bool {
	switch value := value.(type) {
	case string:
		return c.takes(value)
	case bool:
		return c.takes(map[bool]string{true: "true", false: "false"}[value])
	case json.Number:
		return c.takes(value.String())
	case []any:
		return slices.ContainsFunc(value, func(element any) bool {
			text, ok := element.(string)
			return ok && c.takes(text)
		})
	}
	return false
}

func (c Condition) takes(text string) bool {
	return slices.ContainsFunc(c.Values, func(value string) bool {
		if end, ok := strings.CutPrefix(value, "*"); ok {
			return strings.HasSuffix(strings.ToLower(text), strings.ToLower(end))
		}
		return value == text
	})
}

// methods gives amr in our words: what the provider says where it is trusted to,
// and always that it was another site.
func (s *Settings) methods(theirs []string) []string {
	amr := []string{AMRFederated}
	if !s.TrustAMR {
		return amr
	}
	for _, method := range []string{login.AMRPassword, login.AMROTP, login.AMRHardwareKey, login.AMRSoftwareKey, login.AMRUser, login.AMRMultiple} {
		if slices.Contains(theirs, method) {
			amr = append(amr, method)
		}
	}
	return amr
}

// wants says whether userinfo has to be asked: a scope was granted of whose claims
// the ID token has none, or a claim that the settings name is not in it.
func (s *Settings) wants(claims map[string]any) bool {
	named := []string{s.IDClaim}
	for _, theirs := range s.Claims {
		named = append(named, theirs)
	}
	for _, condition := range s.Allow {
		named = append(named, condition.Claim)
	}
	if s.needsVerifiedEmail() {
		named = append(named, "email_verified")
	}
	missing := func(name string) bool { return claims[name] == nil }
	if slices.ContainsFunc(named, missing) {
		return true
	}
	return slices.ContainsFunc(s.Scopes, func(scope string) bool {
		of := oauth.ClaimsOfScope(scope)
		return len(of) > 0 && !slices.ContainsFunc(of, func(name string) bool { return !missing(name) })
	})
}
