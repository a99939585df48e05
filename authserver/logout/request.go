package logout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect RP-Initiated Logout §2

const (
	// maxState bounds what is sent back to the client.
	maxState = 1 << 10
	// requestLifetime is how long a request may wait on its way through a browser.
	requestLifetime = 10 * time.Minute
)

// request is a sign-out as a client asks for it, checked.
type request struct {
	// Client is who asks, "" when nobody says.
	Client string `json:"c,omitempty"`
	// Session is the sid of a verified hint, and Hinted says that there was one.
	Session string `json:"s,omitempty"`
	Hinted  bool   `json:"h,omitempty"`
	// RedirectURI is the client's own, "" for none. State goes with it.
	RedirectURI string `json:"r,omitempty"`
	State       string `json:"t,omitempty"`
	// Locales are the languages that were asked for.
	Locales string `json:"l,omitempty"`

	client  *store.Client
	subject string // of the hint
}

// parse reads a request. What does not fit together is refused before anything
// ends: who sends people here must send them right. A hint that cannot be verified
// is no hint: the person is asked. So logout_hint is not needed and ignored.
func (e *Endpoint) parse(form oauth.Form) (*request, error) {
	r := &request{State: form.Get("state"), Locales: form.Get("ui_locales"), Client: form.Get("client_id")}
	if len(r.State) > maxState || strings.ContainsFunc(r.State, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
		return nil, oauth.InvalidRequest("state is longer than 1 KiB or has a control character.")
	}
	if len(r.Locales) > maxState {
		return nil, oauth.InvalidRequest("ui_locales is too long.")
	}
	if hint := form.Secret("id_token_hint"); !hint.Empty() {
		if said, err := e.realm.Tokens.ReadHint(hint); err == nil {
			if r.Client != "" && r.Client != said.ClientID {
				return nil, oauth.InvalidRequest("client_id is not the client that id_token_hint was issued to.")
			}
			r.Client, r.Session, r.Hinted, r.subject = said.ClientID, said.SessionID, true, said.Subject
		}
	}
	r.RedirectURI = form.Get("post_logout_redirect_uri")
	return r, e.resolve(r)
}

// resolve finds the client of a request, and sees that it may be answered where it
// wants to be (CL8).
func (e *Endpoint) resolve(r *request) error {
	if r.Client != "" {
		client, ok := e.realm.Client(r.Client)
		if !ok {
			return oauth.InvalidRequest("There is no such client here: check client_id.")
		}
		r.client = client
	}
	switch {
	case r.RedirectURI == "":
		return nil
	case r.client == nil:
		return oauth.InvalidRequest("post_logout_redirect_uri needs an id_token_hint of this server or a client_id.")
	case !slices.Contains(r.client.PostLogoutRedirectURIs, r.RedirectURI):
		return oauth.InvalidRequest("post_logout_redirect_uri is not registered for the client.")
	}
	return nil
}

// clientName is who asks, for people to read.
func (r *request) clientName() string {
	if r.client == nil {
		return ""
	}
	return r.client.DisplayName()
}

// digest names the request in the token of its form.
func (r *request) digest() string {
	text, _ := json.Marshal(r) // texts and a bool
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// location is where the client wants the person, with its state. The query of the
// registered URI stays as it is.
func (r *request) location() string {
	if r.State == "" {
		return r.RedirectURI
	}
	separator := "?"
	if strings.Contains(r.RedirectURI, "?") {
		separator = "&"
	}
	return r.RedirectURI + separator + "state=" + url.QueryEscape(r.State)
}
