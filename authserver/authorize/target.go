package authorize

import (
	"cmp"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6749 §3.1.2 and §4.1.2.1
// OAuth 2.0 Multiple Response Types §2.1 and §3

// maxState bounds the state parameter, which is sent back as it came.
const maxState = 8 << 10

// target is where the answer to a request goes. Until it is known to be the
// client's own, nothing is ever sent there (RFC 9700 §4.11).
type target struct {
	client      *store.Client
	redirectURI string
	// named says whether the request named the redirect URI.
	named bool
	// mode is how the answer travels, errors included.
	mode  string
	state string
}

// parseTarget finds the target of a request of client. Its errors are for the
// person at the browser: they must not be redirected.
func parseTarget(form oauth.Form, client *store.Client) (target, error) {
	t := target{client: client, redirectURI: form.Get("redirect_uri"), named: form.Has("redirect_uri")}
	switch {
	case t.named && !oauth.MatchRedirectURI(t.redirectURI, client.RedirectURIs):
		return target{}, oauth.InvalidRequest("The redirection URI provided does not match a pre-registered value.")
	// OpenID Connect Core §3.1.2.1 wants it named, whatever is registered.
	case !t.named && (len(client.RedirectURIs) != 1 || asksForOpenID(form, client)):
		return target{}, oauth.MissingParameter("redirect_uri")
	case !t.named:
		t.redirectURI = client.RedirectURIs[0]
	}
	t.mode, _ = responseMode(form, t)
	if checkState(form.Get("state")) == nil {
		t.state = form.Get("state")
	}
	return t, nil
}

func asksForOpenID(form oauth.Form, client *store.Client) bool {
	if !form.Has("scope") {
		return client.DefaultScopes.Has(oauth.ScopeOpenID)
	}
	return slices.Contains(strings.Split(form.Get("scope"), " "), oauth.ScopeOpenID)
}

// checkState refuses what cannot be sent back unchanged in every response mode:
// browsers rewrite line breaks in forms.
func checkState(state string) error {
	if len(state) > maxState {
		return oauth.InvalidRequest("state is longer than 8 KiB.")
	}
	if strings.ContainsFunc(state, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
		return oauth.InvalidRequest("state has a control character.")
	}
	return nil
}

// responseType is the response_type with its words in canonical order.
func responseType(form oauth.Form) string {
	words := strings.Split(form.Get("response_type"), " ")
	slices.Sort(words)
	return strings.Join(words, " ")
}

// responseMode is how an answer travels: as the request says, if the response
// type, the client and the redirect URI can be answered so, else by default.
// Tokens never travel in a query, where servers log them.
func responseMode(form oauth.Form, t target) (mode string, err error) {
	words := strings.Split(responseType(form), " ")
	tokens := slices.Contains(words, oauth.ResponseTypeToken) || slices.Contains(words, oauth.ResponseTypeIDToken)
	fallback := oauth.ResponseModeQuery
	if tokens {
		fallback = oauth.ResponseModeFragment
	}
	mode = cmp.Or(form.Get("response_mode"), fallback)
	web := strings.HasPrefix(t.redirectURI, "https:") || strings.HasPrefix(t.redirectURI, "http:")
	switch {
	case mode != oauth.ResponseModeQuery && mode != oauth.ResponseModeFragment && mode != oauth.ResponseModeFormPost:
		err = oauth.InvalidRequest("response_mode must be query, fragment or form_post.")
	case mode == oauth.ResponseModeQuery && tokens:
		err = oauth.InvalidRequest("response_mode=query cannot carry tokens.")
	case mode == oauth.ResponseModeFormPost && !web:
		err = oauth.InvalidRequest("response_mode=form_post needs a redirect URI of http or https.")
	case len(t.client.ResponseModes) > 0 && !slices.Contains(t.client.ResponseModes, mode):
		err = oauth.InvalidRequest("The client may not use this response_mode.")
	default:
		return mode, nil
	}
	return fallback, err
}
