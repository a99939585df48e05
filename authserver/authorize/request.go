package authorize

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
)

// RFC 6749 §4.1.1 and §4.2.1
// OpenID Connect Core §3.1.2.1, §3.2.2.1 and §6

// parameters are those that travel from one step to the next. Others are
// ignored, as the RFC wants: display and claims_locales too, since the pages have
// one look and claims one language.
var parameters = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "resource", "state",
	"nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "claims",
	"login_hint", "id_token_hint", "acr_values", "ui_locales",
}

// proofParameter carries what signin.Prove gave from one step to the next. It is
// no part of the request.
const proofParameter = "signed_in"

// The values of the prompt parameter.
const (
	promptNone          = "none"
	promptLogin         = "login"
	promptConsent       = "consent"
	promptSelectAccount = "select_account"
)

const (
	maxNonce     = 2 << 10
	maxLoginHint = 256
	maxProof     = 128
)

// request is an authorization request that has passed every check that needs
// no more than the request and its client.
type request struct {
	target
	form         oauth.Form
	responseType string
	scope        oauth.Scope
	resources    []string
	nonce        string
	challenge    string
	prompt       []string
	// maxAge is how old a sign-in may be; negative when the request sets none.
	maxAge    time.Duration
	claims    oauth.ClaimsRequest
	loginHint string
	// hint is the id_token_hint; hintSubject is filled in when it is verified.
	hint        oauth.Secret
	hintSubject string
	assurance
	// proof may say that the user has signed in for this very request.
	proof oauth.Secret
}

// parseRequest reads the request for a target. grants are those of the realm.
// Its errors are for the client and may be redirected to the target.
func parseRequest(form oauth.Form, t target, grants []string) (*request, error) {
	r := &request{
		target: t, form: form, responseType: responseType(form), maxAge: -1,
		nonce: form.Get("nonce"), challenge: form.Get("code_challenge"), hint: form.Secret("id_token_hint"),
	}
	if hint := form.Get("login_hint"); len(hint) <= maxLoginHint {
		r.loginHint = hint
	}
	if proof := form.Secret(proofParameter); len(proof.Reveal()) <= maxProof {
		r.proof = proof
	}
	// Each check is cheap and stands alone; the first error is the one told.
	err := cmp.Or(r.checkExtensions(), r.checkResponse(grants), r.readScope(),
		r.readClaims(), r.readPrompt(), r.readMaxAge(), r.checkPKCE())
	if err != nil {
		return nil, err
	}
	return r, nil
}

// checkExtensions refuses what would change the meaning of the request and is
// not understood (OpenID Connect Core §3.1.2.6), and what cannot travel on.
func (r *request) checkExtensions() error {
	switch {
	case r.form.Has("request"):
		return oauth.NewError(oauth.CodeRequestNotSupported, "Request objects are not supported: send plain parameters.")
	case r.form.Has("request_uri"):
		return oauth.NewError(oauth.CodeRequestURINotSupported, "Request objects are not supported: send plain parameters.")
	case r.form.Has("registration"):
		return oauth.NewError(oauth.CodeRegistrationUnsupported, "The registration parameter is not supported: register the client.")
	case len(r.nonce) > maxNonce:
		return oauth.InvalidRequest("nonce is longer than 2 KiB.")
	case len(r.encode()) > oauth.MaxFormBytes:
		return oauth.InvalidRequest("The request is too large.")
	}
	return checkState(r.form.Get("state"))
}

// checkResponse says whether this client may be answered in this way (AS12).
func (r *request) checkResponse(grants []string) error {
	grant := oauth.GrantImplicit
	switch r.responseType {
	case "":
		return oauth.MissingParameter("response_type")
	case oauth.ResponseTypeCode:
		grant = oauth.GrantAuthorizationCode
	case oauth.ResponseTypeToken, oauth.ResponseTypeIDToken, oauth.ResponseTypeIDTokenToken:
	default:
		return oauth.NewError(oauth.CodeUnsupportedResponseType, "There is no such response_type here.")
	}
	switch {
	case !slices.Contains(grants, grant):
		return oauth.NewError(oauth.CodeUnsupportedResponseType, "This response_type is switched off here.")
	case !r.client.Allows(grant):
		return oauth.UnauthorizedClient("The client may not use this response_type.")
	}
	_, err := responseMode(r.form, r.target)
	return err
}

func (r *request) readScope() (err error) {
	r.scope, err = oauth.RequestedScope(r.form.Get("scope"), r.client.Scopes, r.client.DefaultScopes)
	if err != nil {
		return err
	}
	openID := r.scope.Has(oauth.ScopeOpenID)
	switch {
	case r.wantsIDToken() && !openID:
		return oauth.InvalidScope("A response_type with id_token needs the scope openid.")
	case r.wantsIDToken() && r.nonce == "":
		// OpenID Connect Core §3.2.2.1
		return oauth.MissingParameter("nonce")
	case openID && r.responseType != oauth.ResponseTypeCode:
		// Without a code there is no refresh token to keep access with
		// (OpenID Connect Core §11).
		r.scope = slices.DeleteFunc(slices.Clone(r.scope), func(s string) bool { return s == oauth.ScopeOfflineAccess })
	}
	r.resources, err = oauth.RequestedResources(r.form.List("resource"), r.client.Resources, r.client.Audience)
	return err
}

func (r *request) readClaims() error {
	claims, err := oauth.ParseClaimsRequest(r.form.Get("claims"))
	if err != nil {
		return err
	}
	r.claims = claims.Restrict(r.client.Scopes)
	if len(r.claims.Encode()) > oauth.MaxClaimsBytes {
		return oauth.InvalidRequest("The claims parameter is too long.")
	}
	return nil
}

func (r *request) readPrompt() error {
	if !r.form.Has("prompt") {
		return nil
	}
	r.prompt = strings.Split(r.form.Get("prompt"), " ")
	for _, word := range r.prompt {
		if !slices.Contains([]string{promptNone, promptLogin, promptConsent, promptSelectAccount}, word) {
			return oauth.InvalidRequest("prompt may hold none, login, consent and select_account, separated by single spaces.")
		}
	}
	if r.prompts(promptNone) && len(r.prompt) > 1 {
		return oauth.InvalidRequest("prompt=none cannot be combined with other values.")
	}
	return nil
}

func (r *request) readMaxAge() error {
	if !r.form.Has("max_age") {
		return nil
	}
	seconds, err := strconv.ParseUint(r.form.Get("max_age"), 10, 31)
	if err != nil {
		return oauth.InvalidRequest("max_age must be a number of seconds.")
	}
	r.maxAge = time.Duration(seconds) * time.Second
	return nil
}

// checkPKCE holds every code to PKCE, unless the operator excused a client that
// authenticates when it redeems the code (RFC 9700 §2.1.1).
func (r *request) checkPKCE() error {
	excused := !r.client.Public && r.client.PKCEOptional
	required := r.responseType == oauth.ResponseTypeCode && !excused
	return oauth.CheckChallenge(r.challenge, r.form.Get("code_challenge_method"), required)
}

func (r *request) prompts(word string) bool { return slices.Contains(r.prompt, word) }

func (r *request) wantsIDToken() bool {
	return r.responseType == oauth.ResponseTypeIDToken || r.responseType == oauth.ResponseTypeIDTokenToken
}

func (r *request) wantsToken() bool {
	return r.responseType == oauth.ResponseTypeToken || r.responseType == oauth.ResponseTypeIDTokenToken
}

// concerns says whether the request may be answered for a subject: the user of
// the id_token_hint and of a sub asked for by value (OpenID Connect Core
// §3.1.2.1 and §5.5.1).
func (r *request) concerns(subject string) bool {
	return (r.hintSubject == "" || r.hintSubject == subject) && r.claims.IDToken["sub"].Accepts(subject)
}

// encode is the request as a query, to travel to the next step.
func (r *request) encode() string { return r.form.Encode(parameters...) }

// digest names the request in form tokens.
func (r *request) digest() string { return signin.Digest(r.encode()) }
