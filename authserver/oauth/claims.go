package oauth

import (
	"encoding/json"
	"maps"
	"slices"
)

// OpenID Connect Core §5.1, §5.4 and §5.5

// MaxClaimsBytes bounds the claims parameter.
const MaxClaimsBytes = 8 << 10

// scopeClaims are the claims that a scope stands for (OpenID Connect Core §5.4).
var scopeClaims = map[string][]string{
	ScopeProfile: {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username",
		"profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
	},
	ScopeEmail:   {"email", "email_verified"},
	ScopeAddress: {"address"},
	ScopePhone:   {"phone_number", "phone_number_verified"},
}

// StandardClaims lists every claim that a scope can stand for, in a fixed order.
func StandardClaims() []string {
	var names []string
	for _, scope := range []string{ScopeProfile, ScopeEmail, ScopeAddress, ScopePhone} {
		names = append(names, scopeClaims[scope]...)
	}
	return names
}

// ClaimsOfScope are the claims that a scope stands for; none for most.
func ClaimsOfScope(scope string) []string { return slices.Clone(scopeClaims[scope]) }

// ClaimRequest is how one claim was asked for.
type ClaimRequest struct {
	Essential bool
	// Values are the acceptable ones; none means any.
	Values []string
}

// ClaimsRequest is the claims parameter of an authorization request.
type ClaimsRequest struct {
	IDToken, UserInfo map[string]ClaimRequest
}

// ParseClaimsRequest reads the claims parameter; "" asks for nothing. Members
// that are not understood are ignored (OpenID Connect Core §5.5).
func ParseClaimsRequest(raw string) (ClaimsRequest, error) {
	var request ClaimsRequest
	if raw == "" {
		return request, nil
	}
	malformed := InvalidRequest("The claims parameter is not valid: see OpenID Connect Core section 5.5.")
	if len(raw) > MaxClaimsBytes {
		return request, malformed
	}
	object, err := DecodeObject([]byte(raw))
	if err != nil {
		return request, malformed
	}
	var okID, okUser bool
	request.IDToken, okID = parseClaimRequests(object["id_token"])
	request.UserInfo, okUser = parseClaimRequests(object["userinfo"])
	if !okID || !okUser {
		return ClaimsRequest{}, malformed
	}
	return request, nil
}

func parseClaimRequests(value any) (map[string]ClaimRequest, bool) {
	if value == nil {
		return nil, true
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	requests := make(map[string]ClaimRequest, len(members))
	for name, member := range members {
		request, ok := parseClaimRequest(member)
		if !ok {
			return nil, false
		}
		requests[name] = request
	}
	return requests, true
}

func parseClaimRequest(member any) (request ClaimRequest, ok bool) {
	if member == nil {
		return request, true
	}
	object, ok := member.(map[string]any)
	if !ok {
		return request, false
	}
	if essential, there := object["essential"]; there {
		if request.Essential, ok = essential.(bool); !ok {
			return request, false
		}
	}
	if value, there := object["value"]; there {
		request.Values = append(request.Values, claimText(value))
	}
	if values, there := object["values"]; there {
		list, ok := values.([]any)
		if !ok {
			return request, false
		}
		for _, value := range list {
			request.Values = append(request.Values, claimText(value))
		}
	}
	return request, true
}

func claimText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// Accepts says whether a value is one that the request would take.
func (r ClaimRequest) Accepts(value string) bool {
	return len(r.Values) == 0 || slices.Contains(r.Values, value)
}

// Restrict leaves out the claims that a scope outside allowed stands for: a
// client cannot get by name what it may not get by scope.
func (r ClaimsRequest) Restrict(allowed Scope) ClaimsRequest {
	keep := func(requests map[string]ClaimRequest) map[string]ClaimRequest {
		kept := make(map[string]ClaimRequest, len(requests))
		for name, request := range requests {
			if scope := claimScope(name); scope == "" || allowed.Has(scope) {
				kept[name] = request
			}
		}
		return kept
	}
	return ClaimsRequest{IDToken: keep(r.IDToken), UserInfo: keep(r.UserInfo)}
}

// Known keeps what is asked for of the claims that are known: what a user has
// not been shown, because it was not there, was not agreed to.
func (r ClaimsRequest) Known(known map[string]any) ClaimsRequest {
	keep := func(requests map[string]ClaimRequest) map[string]ClaimRequest {
		kept := maps.Clone(requests)
		maps.DeleteFunc(kept, func(name string, _ ClaimRequest) bool {
			_, there := known[name]
			return !there
		})
		return kept
	}
	return ClaimsRequest{IDToken: keep(r.IDToken), UserInfo: keep(r.UserInfo)}
}

// Encode writes which claims are asked for as ParseClaimsRequest reads it, ""
// for none. How they were asked for is left out.
func (r ClaimsRequest) Encode() string {
	if len(r.IDToken) == 0 && len(r.UserInfo) == 0 {
		return ""
	}
	names := func(requests map[string]ClaimRequest) map[string]any {
		object := make(map[string]any, len(requests))
		for name := range requests {
			object[name] = nil
		}
		return object
	}
	// Strings and nulls always marshal.
	text, _ := json.Marshal(map[string]any{"id_token": names(r.IDToken), "userinfo": names(r.UserInfo)})
	return string(text)
}

// Beyond lists the known claims that are asked for by name and that no token of
// scope stands for, sorted.
func (r ClaimsRequest) Beyond(scope Scope, known map[string]any) []string {
	var names []string
	for _, requests := range []map[string]ClaimRequest{r.IDToken, r.UserInfo} {
		for name := range requests {
			_, there := known[name]
			if there && !scope.Has(claimScope(name)) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// claimScope is the scope that stands for a claim, "" for none.
func claimScope(claim string) string {
	for scope, claims := range scopeClaims {
		if slices.Contains(claims, claim) {
			return scope
		}
	}
	return ""
}

// SelectClaims picks from what is known of a user what a scope stands for and
// what was asked for by name. Claims that are not known are left out, essential
// or not (OpenID Connect Core §5.5.1).
func SelectClaims(known map[string]any, scope Scope, requested map[string]ClaimRequest) map[string]any {
	selected := map[string]any{}
	pick := func(name string) {
		if value, ok := known[name]; ok {
			selected[name] = value
		}
	}
	for _, token := range scope {
		for _, name := range scopeClaims[token] {
			pick(name)
		}
	}
	for name := range requested {
		pick(name)
	}
	return selected
}
