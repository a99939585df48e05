package ldap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	memberOfAttribute = "memberOf"
	// guidAttribute is Active Directory's immutable id, which is binary.
	guidAttribute = "objectGUID"

	// maxValues and maxBytes bound what is taken of one person, for it goes into
	// tokens and is remembered.
	maxValues = 1000
	maxBytes  = 16 << 10
)

// person is what the directory says of somebody.
type person struct {
	id, username string
	claims       map[string]any
}

// idOf is the id of an entry.
func idOf(entry *goldap.Entry, attribute string) (string, error) {
	if attribute == dnAttribute {
		return entry.DN, nil
	}
	raw := entry.GetEqualFoldRawAttributeValues(attribute)
	if len(raw) != 1 {
		return "", fmt.Errorf("entry %q has %d values of %s, which is to be the id of its account: set id_attribute to one that each person has once", entry.DN, len(raw), attribute)
	}
	if strings.EqualFold(attribute, guidAttribute) {
		return guidText(raw[0])
	}
	return string(raw[0]), nil
}

// idValue is what an id is compared with in the directory.
func idValue(attribute, id string) (string, bool) {
	if !strings.EqualFold(attribute, guidAttribute) {
		return id, true
	}
	return guidBytes(id)
}

// guidOrder is where each byte of a GUID's text stands: the first three groups are
// little-endian (MS-DTYP §2.3.4).
var guidOrder = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

func guidText(raw []byte) (string, error) {
	if len(raw) != len(guidOrder) {
		return "", fmt.Errorf("%s has %d bytes, not 16", guidAttribute, len(raw))
	}
	var b [16]byte
	for i, from := range guidOrder {
		b[i] = raw[from]
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func guidBytes(text string) (string, bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != len(guidOrder) {
		return "", false
	}
	var raw [16]byte
	for i, to := range guidOrder {
		raw[to] = b[i]
	}
	return string(raw[:]), true
}

// claimsOf are the claims of an entry, with the groups that it is in.
func (c *Config) claimsOf(entry *goldap.Entry, groups []string) (map[string]any, error) {
	claims, count, bytes := map[string]any{}, len(groups), 0
	for _, group := range groups {
		bytes += len(group)
	}
	if name := firstText(entry, c.UsernameAttribute); name != "" {
		claims["preferred_username"] = name
	}
	for _, claim := range c.Claims {
		values := texts(entry, claim.Attribute)
		if len(values) == 0 {
			continue
		}
		if !claim.List {
			values = values[:1]
		}
		count += len(values)
		for _, value := range values {
			bytes += len(value)
		}
		if claim.List {
			claims[claim.Name] = values
		} else if value, ok := claimValue(claim.Name, values[0]); ok {
			claims[claim.Name] = value
		}
	}
	if c.Groups != nil && len(groups) > 0 {
		claims[c.Groups.Claim] = groups
	}
	if count > maxValues || bytes > maxBytes {
		return nil, fmt.Errorf("entry %q gives claims of %d values and %d bytes; there is room for %d and %d: take fewer claims, or narrow the filter of groups",
			entry.DN, count, bytes, maxValues, maxBytes)
	}
	return claims, nil
}

// texts are the values of an attribute that are text.
func texts(entry *goldap.Entry, attribute string) []string {
	var out []string
	for _, value := range entry.GetEqualFoldAttributeValues(attribute) {
		if value != "" && utf8.ValidString(value) {
			out = append(out, value)
		}
	}
	return out
}

func firstText(entry *goldap.Entry, attribute string) string {
	if values := texts(entry, attribute); len(values) > 0 {
		return values[0]
	}
	return ""
}

// claimValue gives a standard claim the type that it has in OpenID Connect Core
// §5.1; all others are text. ok is false for a value that cannot be one.
func claimValue(claim, value string) (typed any, ok bool) {
	switch claim {
	case "email_verified", "phone_number_verified":
		verified, err := strconv.ParseBool(strings.ToLower(value)) // RFC 4517 §3.3.3: TRUE or FALSE
		return verified, err == nil
	case "updated_at":
		seconds, err := generalizedTime(value)
		return seconds, err == nil
	case "address":
		// RFC 4517 §3.3.28: lines are parted by dollar signs.
		lines := strings.NewReplacer("$", "\n", `\24`, "$", `\5C`, `\`, `\5c`, `\`).Replace(value)
		return map[string]string{"formatted": lines}, true
	}
	return value, true
}

// generalizedTime reads a time of the usual form (RFC 4517 §3.3.13), or seconds
// since 1970.
func generalizedTime(value string) (int64, error) {
	if digits, utc := strings.CutSuffix(value, "Z"); utc {
		digits, _, _ = strings.Cut(digits, ".")
		at, err := time.Parse("20060102150405", digits)
		return at.Unix(), err
	}
	return strconv.ParseInt(value, 10, 64)
}

// groupNames are the names of groups by their DNs: the value of an attribute in
// the first part, of those below a base.
func groupNames(dns []string, base, attribute string) ([]string, error) {
	var above *goldap.DN
	if base != "" {
		above, _ = goldap.ParseDN(base) // Check has read it
	}
	var names []string
	for _, text := range dns {
		dn, err := goldap.ParseDN(text)
		if err != nil || len(dn.RDNs) == 0 {
			return nil, errors.New("a value of " + memberOfAttribute + " is no DN")
		}
		if above != nil && !above.AncestorOfFold(dn) {
			continue
		}
		for _, part := range dn.RDNs[0].Attributes {
			if strings.EqualFold(part.Type, attribute) {
				names = append(names, part.Value)
			}
		}
	}
	return names, nil
}
