package endpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// RFC 8414 §2, OpenID Connect Discovery §3, RFC 9207 §3
// OpenID Connect RP-Initiated Logout §2.1, OpenID Connect Back-Channel Logout §2.1

// metadata is the document that OpenID discovery and RFC 8414 share. It tells
// what the realm can do, not what its clients are registered for.
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint,omitempty"`
	TokenEndpoint         string `json:"token_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	UserInfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	EndSessionEndpoint    string `json:"end_session_endpoint,omitempty"`

	ScopesSupported        []string `json:"scopes_supported"`
	ResponseTypesSupported []string `json:"response_types_supported"`
	ResponseModesSupported []string `json:"response_modes_supported"`
	GrantTypesSupported    []string `json:"grant_types_supported"`
	ACRValuesSupported     []string `json:"acr_values_supported"`
	SubjectTypesSupported  []string `json:"subject_types_supported"`
	IDTokenAlgorithms      []string `json:"id_token_signing_alg_values_supported"`
	CodeChallengeMethods   []string `json:"code_challenge_methods_supported"`

	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`

	ClaimsSupported    []string `json:"claims_supported"`
	UILocalesSupported []string `json:"ui_locales_supported"`

	ClaimsParameterSupported     bool `json:"claims_parameter_supported"`
	RequestParameterSupported    bool `json:"request_parameter_supported"`
	RequestURIParameterSupported bool `json:"request_uri_parameter_supported"`
	IssParameterSupported        bool `json:"authorization_response_iss_parameter_supported"`

	BackchannelLogout        bool `json:"backchannel_logout_supported"`
	BackchannelLogoutSession bool `json:"backchannel_logout_session_supported"`
}

// Metadata describes a realm to clients. The document is made from the configured
// issuer alone: nothing of a request is in it (AS56, A58). It is made anew when
// an operator has switched something.
func Metadata(r *realm.Realm) http.Handler {
	var current atomic.Pointer[metadataDocument]
	return handle(r, "metadata", func(w http.ResponseWriter, req *http.Request) error {
		version := r.Book.Switches().Version
		document := current.Load()
		if document == nil || document.version != version {
			text, err := json.Marshal(describe(r))
			if err != nil {
				return err
			}
			digest := sha256.Sum256(text)
			document = &metadataDocument{version, text, `"` + hex.EncodeToString(digest[:16]) + `"`}
			current.Store(document)
		}
		return writePublic(w, req, "application/json", document.etag, document.text)
	})
}

// metadataDocument is what is sent while the switches have a version.
type metadataDocument struct {
	version int64
	text    []byte
	etag    string
}

func describe(r *realm.Realm) metadata {
	m := metadata{
		Issuer:                r.Issuer,
		TokenEndpoint:         r.URL("access_token"),
		IntrospectionEndpoint: r.URL("introspect"),
		RevocationEndpoint:    r.URL("token/revoke"),
		UserInfoEndpoint:      r.URL("userinfo"),
		JWKSURI:               r.URL("connect/jwk_uri"),

		ScopesSupported: []string{
			oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeAddress,
			oauth.ScopePhone, oauth.ScopeOfflineAccess,
		},
		ResponseTypesSupported: responseTypes(r),
		ResponseModesSupported: []string{
			oauth.ResponseModeQuery, oauth.ResponseModeFragment, oauth.ResponseModeFormPost,
		},
		GrantTypesSupported:   append([]string{}, r.GrantTypes()...),
		ACRValuesSupported:    r.ACRValues(),
		SubjectTypesSupported: []string{"public"},
		IDTokenAlgorithms:     signingAlgorithms(r),
		CodeChallengeMethods:  []string{oauth.PKCEMethodS256},

		TokenAuthMethods:         []string{oauth.AuthMethodBasic, oauth.AuthMethodPost, oauth.AuthMethodNone},
		IntrospectionAuthMethods: []string{oauth.AuthMethodBasic, oauth.AuthMethodPost},
		RevocationAuthMethods:    []string{oauth.AuthMethodBasic, oauth.AuthMethodPost, oauth.AuthMethodNone},

		ClaimsSupported: append([]string{
			"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid",
		}, oauth.StandardClaims()...),
		UILocalesSupported: r.Pages.Languages(),

		ClaimsParameterSupported: true,
		IssParameterSupported:    true,
	}
	if len(m.ResponseTypesSupported) > 0 {
		m.AuthorizationEndpoint = r.URL("authorize")
		m.EndSessionEndpoint = r.URL("connect/endSession")
		m.BackchannelLogout, m.BackchannelLogoutSession = true, true
	}
	return m
}

// responseTypes are those that the realm's grants lead to; an empty list, not
// null, where none does (RFC 8414 §2 requires the member).
func responseTypes(r *realm.Realm) []string {
	types := []string{}
	if r.AllowsGrantType(oauth.GrantAuthorizationCode) {
		types = append(types, oauth.ResponseTypeCode)
	}
	if r.AllowsGrantType(oauth.GrantImplicit) {
		types = append(types, oauth.ResponseTypeToken, oauth.ResponseTypeIDToken, oauth.ResponseTypeIDTokenToken)
	}
	return types
}

// signingAlgorithms are those that the realm has a key for.
func signingAlgorithms(r *realm.Realm) []string {
	algorithms := []string{}
	for _, algorithm := range []string{
		oauth.RS256, oauth.RS384, oauth.RS512, oauth.PS256, oauth.PS384, oauth.PS512,
		oauth.ES256, oauth.ES384, oauth.ES512, oauth.EdDSA,
	} {
		if _, err := r.Keys.Signer(algorithm); err == nil {
			algorithms = append(algorithms, algorithm)
		}
	}
	return algorithms
}
