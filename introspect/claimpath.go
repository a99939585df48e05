package introspect

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
)

// RFC 7519 §4, RFC 8259 §4

// FindClaim finds a claim by its exact name, or else by the path that the dots
// in the name describe, an exact name again at each step:
//
//	sub                             a member
//	realm_access.roles              a member of the object realm_access
//	https://example.com/app.region  a member of the object https://example.com/app
func FindClaim(claims map[string]any, path string) (value any, found bool) {
	if value, found = claims[path]; found {
		return value, true
	}
	for at := range len(path) {
		if path[at] != '.' {
			continue
		}
		if inner, ok := claims[path[:at]].(map[string]any); ok {
			if value, found = FindClaim(inner, path[at+1:]); found {
				return value, true
			}
		}
	}
	return nil, false
}

// ClaimCondition asks for one of some values of a claim.
type ClaimCondition struct {
	// Path finds the claim; see FindClaim.
	Path string
	// Values are compared byte for byte with the claim as text: a string, a
	// number as the token writes it, true or false. Of a list any element may be
	// one of them. Objects, null and lists in lists never are.
	Values []string
}

// Check finds what is wrong with a condition.
func (c ClaimCondition) Check() error {
	if c.Path == "" || len(c.Values) == 0 {
		return errors.New("a claim needs its name and the values that will do, as in: claim realm_access.roles admin")
	}
	return nil
}

// Holds says whether the claim is there and has one of the values.
func (c ClaimCondition) Holds(claims map[string]any) bool {
	value, _ := FindClaim(claims, c.Path)
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, c.has)
	}
	return c.has(value)
}

func (c ClaimCondition) has(value any) bool {
	var text string
	switch value := value.(type) {
	case string:
		text = value
	case json.Number:
		text = value.String()
	case bool:
		text = strconv.FormatBool(value)
	default:
		return false
	}
	return slices.Contains(c.Values, text)
}
