package oidc

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6749 §4.1.2, RFC 9207 §2, OpenID Connect Core §3.1.2.6, RFC 9700 §4.4

// Why nobody is signed in, as login.RedirectRefused says it.
const (
	// ReasonState is an answer to no departure of this browser, or of another time.
	ReasonState = "state"
	// ReasonIssuer is an answer of another provider than the one departed to.
	ReasonIssuer = "issuer"
	// ReasonMalformed is an answer that no provider gives.
	ReasonMalformed = "malformed"
	// ReasonProvider is a failure at the provider for which there is no other word.
	ReasonProvider = "provider_error"
	// ReasonCode is a code that the provider does not take: used before, too old or
	// of another sign-in.
	ReasonCode = "code"
	// ReasonNonce is an ID token of another sign-in.
	ReasonNonce = "nonce"
	// ReasonNotAgain is an earlier sign-in where a new one was asked for.
	ReasonNotAgain = login.NotAgain
	// ReasonNotAllowed is an account that the operator's conditions leave out.
	ReasonNotAllowed = "not_allowed"
	// ReasonEmail is an account whose email is not verified.
	ReasonEmail = "email_not_verified"
	// ReasonNoID is an account without the claim that its id comes from.
	ReasonNoID = "no_id"
	// ReasonClaims are more claims than we keep.
	ReasonClaims = "too_many_claims"
)

// passedOn are failures that say by their name what happened.
var passedOn = []string{
	oauth.CodeAccessDenied, oauth.CodeLoginRequired, oauth.CodeConsentRequired, oauth.CodeInteractionRequired,
	"account_selection_required", oauth.CodeTemporarilyUnavailable, oauth.CodeServerError,
}

// ofSettings are failures that come of settings, there or here.
var ofSettings = []string{
	oauth.CodeInvalidRequest, oauth.CodeUnauthorizedClient, oauth.CodeInvalidScope, oauth.CodeUnsupportedResponseType,
	oauth.CodeInvalidClient,
}

// kept is what the browser keeps of a departure.
type kept struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Issuer   string `json:"i"`
	ClientID string `json:"c"`
	// Again is when a new sign-in was asked for, in unix seconds; 0 when it was not.
	Again int64 `json:"a,omitempty"`
}

func parseKept(text string) (kept, error) {
	var k kept
	if len(text) > login.MaxKept || json.Unmarshal([]byte(text), &k) != nil || k.State == "" || k.Nonce == "" || k.Verifier == "" {
		return kept{}, refused(ReasonState, "what the browser kept is not of a departure")
	}
	return k, nil
}

// readAnswer gives the code of the answer that a browser brought. state is
// compared before anything else is believed, then iss: a code goes to no other
// provider than the one that gave it (RFC 9207 §2.4). ours is a failure that an
// operator can mend.
func readAnswer(query url.Values, k kept, issuer string, namesIssuer bool) (code oauth.Secret, ours string, err error) {
	for _, name := range []string{"state", "iss", "error", "code"} {
		if values := query[name]; len(values) > 1 || len(values) == 1 && len(values[0]) > 4<<10 {
			return code, "", refused(ReasonMalformed, "a parameter is there twice or too long")
		}
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(k.State)) != 1 {
		return code, "", refused(ReasonState, "state is not that of the departure")
	}
	if named := query.Has("iss"); named && query.Get("iss") != issuer || !named && namesIssuer {
		return code, "", refused(ReasonIssuer, "iss does not name the provider that the browser was sent to")
	}
	if query.Has("error") {
		switch failure := query.Get("error"); {
		case slices.Contains(passedOn, failure):
			return code, "", refused(failure, "the provider says so")
		case slices.Contains(ofSettings, failure):
			return code, failure, refused(ReasonProvider, "the provider answered "+failure)
		}
		return code, "", refused(ReasonProvider, "the provider answered another error")
	}
	if query.Get("code") == "" {
		return code, "", refused(ReasonMalformed, "there is neither a code nor an error")
	}
	return oauth.NewSecret(query.Get("code")), "", nil
}

// refused is nobody signed in, for one of the reasons above.
func refused(reason, cause string) error {
	return &login.RedirectRefused{Reason: reason, Err: errors.New(cause)}
}
