package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// explainTimeout is how long an operator waits for issuers that are asked.
const explainTimeout = 15 * time.Second

// explainRequest is a token and the request that it is to open.
type explainRequest struct {
	// Token is the access token, without the word Bearer. Required.
	Token string `json:"token"`

	// Method is that of the request. Default: GET.
	Method string `json:"method,omitempty"`

	// Path is that of the request, encoded as in a URL. Default: /.
	Path string `json:"path,omitempty"`

	// Audience asks only the bearer_auth handlers that take it. Default: all.
	Audience string `json:"audience,omitempty"`
}

// explainAnswer is what each bearer_auth of the running configuration makes of a
// token.
type explainAnswer struct {
	// Allowed says whether one of them lets the request pass.
	Allowed bool `json:"allowed"`

	// Results has one entry for each, in no particular order.
	Results []explained `json:"results"`
}

// explainToken answers POST /oauth2/explain. It counts nothing and uses up no
// proof; the token is neither logged nor repeated.
func explainToken(app *App, r *http.Request) (any, error) {
	var asked explainRequest
	if err := readBody(r, &asked, "token, method, path and audience"); err != nil {
		return nil, err
	}
	if asked.Token == "" {
		return nil, badRequest("give the access token as token")
	}
	if strings.ContainsAny(asked.Token, " \t\r\n") {
		return nil, badRequest("token is the access token alone, without the word Bearer and without line breaks")
	}
	ctx, cancel := context.WithTimeout(r.Context(), explainTimeout)
	defer cancel()
	request, err := imagine(ctx, cmp.Or(asked.Method, http.MethodGet), cmp.Or(asked.Path, "/"))
	if err != nil {
		return nil, err
	}
	bearers := app.bearers.of(asked.Audience)
	if len(bearers) == 0 {
		return nil, apiError(http.StatusNotFound, errors.New("the running configuration has no bearer_auth, or none that takes this audience"))
	}
	answer := explainAnswer{Results: make([]explained, 0, len(bearers))}
	for _, b := range bearers {
		result := b.explain(request, oauth.NewSecret(asked.Token))
		answer.Allowed = answer.Allowed || result.Decision == decisionAllowed || result.Decision == decisionPublic
		answer.Results = append(answer.Results, result)
	}
	return answer, nil
}

// imagine makes a request that nobody sent: a method and a path.
func imagine(ctx context.Context, method, path string) (*http.Request, error) {
	target, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") {
		return nil, badRequest("path is the path of a request, as in /orders/1")
	}
	// What rules may look for in the context of a real one.
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{})
	r, err := http.NewRequestWithContext(ctx, method, "/", http.NoBody)
	if err != nil {
		return nil, badRequest("method is an HTTP method, as in GET")
	}
	r.URL = target // as a server has it: written out and read anew, //a/b would be the path /b of the host a
	return r, nil
}

// explainedToken is what a token says, for operators: what identifies it and
// decides about it as it stands, of everything else the name and the type.
type explainedToken struct {
	// Algorithm, KeyID and Type are the header of a JWT.
	Algorithm string `json:"alg,omitempty"`

	// KeyID is the kid of a JWT.
	KeyID string `json:"kid,omitempty"`

	// Type is the typ of a JWT.
	Type string `json:"typ,omitempty"`

	// Verified says whether the issuer vouches for the claims. Others may have
	// been written by anybody.
	Verified bool `json:"verified"`

	// Claims are sorted by name.
	Claims []explainedClaim `json:"claims"`
}

// explainedClaim is one claim of a token.
type explainedClaim struct {
	// Name is that of the claim.
	Name string `json:"name"`

	// Type is string, number, boolean, array, object or null.
	Type string `json:"type"`

	// Value stands only with claims that name the token, its parties, its times
	// and its scope.
	Value any `json:"value,omitempty"`
}

// plainClaims are those whose values operators see.
var plainClaims = []string{"iss", "sub", "aud", "client_id", "azp", "scope", "scp", "exp", "iat", "nbf", "jti", "sid"}

func explainedClaims(claims map[string]any) []explainedClaim {
	out := make([]explainedClaim, 0, len(claims))
	for name, value := range claims {
		claim := explainedClaim{Name: name, Type: jsonType(value)}
		if slices.Contains(plainClaims, name) {
			claim.Value = value
		}
		out = append(out, claim)
	}
	slices.SortFunc(out, func(a, b explainedClaim) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// jsonType names the type of a decoded JSON value.
func jsonType(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "number"
	}
}
