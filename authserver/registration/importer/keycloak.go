package importer

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

// Keycloak reads the clients of a realm file of Keycloak (`kc.sh export`, or the
// partial export of its console, which masks secrets).
func Keycloak(document []byte) (Result, error) {
	var result Result
	var realm keycloakRealm
	if err := read(document, &realm); err != nil {
		return result, err
	}
	if len(realm.Clients) == 0 {
		return result, errors.New("there are no clients in the document; export the realm with its clients")
	}
	result.keycloakRealm(&realm)
	for i := range realm.Clients {
		result.keycloak(&realm.Clients[i])
	}
	return result, nil
}

type keycloakRealm struct {
	Realm                   string           `json:"realm"`
	AccessTokenLifespan     int64            `json:"accessTokenLifespan"`
	SSOSessionIdleTimeout   int64            `json:"ssoSessionIdleTimeout"`
	SSOSessionMaxLifespan   int64            `json:"ssoSessionMaxLifespan"`
	RevokeRefreshToken      *bool            `json:"revokeRefreshToken"`
	Users                   []struct{}       `json:"users"`
	IdentityProviders       []struct{}       `json:"identityProviders"`
	ClientScopes            []struct{}       `json:"clientScopes"`
	Clients                 []keycloakClient `json:"clients"`
	UserFederationProviders []struct{}       `json:"userFederationProviders"`
}

type keycloakClient struct {
	ClientID            string            `json:"clientId"`
	Name                string            `json:"name"`
	Enabled             *bool             `json:"enabled"`
	Protocol            string            `json:"protocol"`
	BearerOnly          bool              `json:"bearerOnly"`
	Public              bool              `json:"publicClient"`
	ConsentRequired     bool              `json:"consentRequired"`
	AuthenticatorType   string            `json:"clientAuthenticatorType"`
	Secret              string            `json:"secret"`
	RootURL             string            `json:"rootUrl"`
	RedirectURIs        []string          `json:"redirectUris"`
	WebOrigins          []string          `json:"webOrigins"`
	StandardFlow        *bool             `json:"standardFlowEnabled"`
	ImplicitFlow        bool              `json:"implicitFlowEnabled"`
	DirectAccessGrants  bool              `json:"directAccessGrantsEnabled"`
	ServiceAccounts     bool              `json:"serviceAccountsEnabled"`
	DefaultScopes       []string          `json:"defaultClientScopes"`
	OptionalScopes      []string          `json:"optionalClientScopes"`
	ProtocolMappers     []struct{}        `json:"protocolMappers"`
	Attributes          map[string]string `json:"attributes"`
	AuthorizationEnable bool              `json:"authorizationServicesEnabled"`
}

// keycloakOwn are the clients that Keycloak makes for itself in each realm.
var keycloakOwn = []string{"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}

// keycloakScopes are its scopes that only choose claims of its own.
var keycloakScopes = []string{"acr", "basic", "microprofile-jwt", "roles", "service_account", "web-origins", "organization"}

// keycloakRealm tells what of the realm is written into the configuration here.
func (r *Result) keycloakRealm(realm *keycloakRealm) {
	if realm.AccessTokenLifespan > 0 {
		r.note("", "accessTokenLifespan", "is not imported; write in the realm: access_token { lifetime %ds }", realm.AccessTokenLifespan)
	}
	if realm.SSOSessionMaxLifespan > 0 {
		r.note("", "ssoSessionMaxLifespan", "is not imported; write in the realm: session { lifetime %ds, idle %ds }, and the same for refresh_token",
			realm.SSOSessionMaxLifespan, realm.SSOSessionIdleTimeout)
	}
	if realm.RevokeRefreshToken != nil && !*realm.RevokeRefreshToken {
		r.note("", "revokeRefreshToken", "refresh tokens did not rotate; here they do, unless a client that is not public has refresh_token { rotate off }")
	}
	if count := len(realm.Users); count > 0 {
		r.note("", "users", "%d users are not imported", count)
	}
	if count := len(realm.IdentityProviders); count > 0 {
		r.note("", "identityProviders", "%d identity providers are not imported", count)
	}
	if count := len(realm.UserFederationProviders); count > 0 {
		r.note("", "userFederationProviders", "%d user federations are not imported", count)
	}
	if len(realm.ClientScopes) > 0 {
		r.note("", "clientScopes", "the claims that scopes add to tokens by mappers are not imported")
	}
}

// keycloak takes one client over.
func (r *Result) keycloak(c *keycloakClient) {
	switch {
	case slices.Contains(keycloakOwn, c.ClientID):
		return // nobody misses it
	case c.Protocol != "" && c.Protocol != "openid-connect":
		r.note(c.ClientID, "protocol", "left out: it speaks %s", c.Protocol)
		return
	case c.BearerOnly:
		r.note(c.ClientID, "bearerOnly", "left out: it is an API; name it as a resource of the realm, and guard it with bearer_auth")
		return
	case !oauth.ValidClientID(c.ClientID):
		r.note(c.ClientID, "clientId", "left out: an id has 1 to 255 printable ASCII characters")
		return
	}
	out := Client{Disabled: c.Enabled != nil && !*c.Enabled}
	reg := &out.Registration
	reg.ID, reg.Public = c.ClientID, c.Public
	if !strings.HasPrefix(c.Name, "${") {
		reg.Name = c.Name
	}
	reg.RedirectURIs = r.redirectURIs(c.ClientID, "redirectUris", c.absolute(c.RedirectURIs))
	reg.CORSOrigins = r.origins(c.ClientID, "webOrigins", c.webOrigins(reg.RedirectURIs))
	r.keycloakLogout(c, reg)
	r.keycloakGrants(c, reg)
	r.keycloakScopes(c, reg)
	r.keycloakTokens(c, reg)
	if !c.ConsentRequired && usesCode(reg) {
		reg.SkipConsent = true
		r.note(c.ClientID, "consentRequired", "skip_consent is set, as in Keycloak; take it away for a client that is not your own")
	}
	if !reg.Public {
		out.Secret = r.keycloakSecret(c)
	}
	r.keycloakUnknown(c)
	r.Clients = append(r.Clients, out)
}

// absolute completes the paths that Keycloak resolves against the root URL.
func (c *keycloakClient) absolute(uris []string) []string {
	out := make([]string, len(uris))
	for i, uri := range uris {
		out[i] = uri
		if strings.HasPrefix(uri, "/") {
			out[i] = strings.TrimSuffix(c.RootURL, "/") + uri
		}
	}
	return out
}

// webOrigins writes "+" out: the origins of the redirect URIs.
func (c *keycloakClient) webOrigins(redirectURIs []string) []string {
	var out []string
	add := func(origin string) {
		if origin != "" && !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	for _, origin := range c.WebOrigins {
		if origin != "+" {
			add(strings.TrimSuffix(origin, "/"))
			continue
		}
		for _, uri := range redirectURIs {
			if u, err := url.Parse(uri); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
				add(u.Scheme + "://" + strings.ToLower(u.Host))
			}
		}
	}
	return out
}

// keycloakLogout takes over where the client hears of sign-outs. Keycloak writes
// lists with "##" between; "+" stands for the redirect URIs, "-" for none.
func (r *Result) keycloakLogout(c *keycloakClient, reg *registration.Client) {
	const setting = "post.logout.redirect.uris"
	for _, uri := range strings.Split(c.Attributes[setting], "##") {
		switch uri {
		case "", "-":
		case "+":
			reg.PostLogoutRedirectURIs = append(reg.PostLogoutRedirectURIs, reg.RedirectURIs...)
		default:
			reg.PostLogoutRedirectURIs = append(reg.PostLogoutRedirectURIs, r.redirectURIs(c.ClientID, setting, c.absolute([]string{uri}))...)
		}
	}
	r.logoutURI(c.ClientID, "backchannel.logout.url", c.Attributes["backchannel.logout.url"], reg)
	reg.BackchannelLogoutSessionRequired = reg.BackchannelLogoutURI != "" && c.Attributes["backchannel.logout.session.required"] == "true"
}

func (r *Result) keycloakGrants(c *keycloakClient, reg *registration.Client) {
	standard := c.StandardFlow == nil || *c.StandardFlow
	refreshes := c.Attributes["use.refresh.tokens"] != "false"
	for _, flow := range []struct {
		on    bool
		grant string
	}{
		{standard, oauth.GrantAuthorizationCode},
		{c.ImplicitFlow, oauth.GrantImplicit},
		{c.DirectAccessGrants, oauth.GrantPassword},
		{c.ServiceAccounts, oauth.GrantClientCredentials},
		{refreshes && (standard || c.DirectAccessGrants), oauth.GrantRefreshToken},
	} {
		switch {
		case !flow.on:
		case c.Public && (flow.grant == oauth.GrantPassword || flow.grant == oauth.GrantClientCredentials):
			r.note(c.ClientID, "directAccessGrantsEnabled", "the %s grant was left out: a public client may not use it", flow.grant)
		default:
			reg.Grants = append(reg.Grants, flow.grant)
		}
	}
	method := c.Attributes["pkce.code.challenge.method"]
	switch {
	case !usesCode(reg) || method == "S256":
	case c.Public:
		r.note(c.ClientID, "pkce.code.challenge.method", "a public client must use PKCE with S256 here; see that it sends a code_challenge")
	default:
		reg.PKCEOptional = true
		r.note(c.ClientID, "pkce.code.challenge.method", "pkce_optional is set, since Keycloak did not demand PKCE with S256; take it away once the client sends a code_challenge")
	}
}

func (r *Result) keycloakScopes(c *keycloakClient, reg *registration.Client) {
	known := func(names []string) []string {
		return r.scopes(c.ClientID, "clientScopes", slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return slices.Contains(keycloakScopes, name)
		}))
	}
	reg.DefaultScopes = known(c.DefaultScopes)
	if usesCode(reg) || slices.Contains(reg.Grants, oauth.GrantImplicit) || slices.Contains(reg.Grants, oauth.GrantPassword) {
		reg.Scopes = []string{"openid"}
	}
	for _, name := range append(slices.Clone(reg.DefaultScopes), known(c.OptionalScopes)...) {
		if !slices.Contains(reg.Scopes, name) {
			reg.Scopes = append(reg.Scopes, name)
		}
	}
	if len(reg.DefaultScopes) > 0 {
		r.note(c.ClientID, "defaultClientScopes", "are granted only to requests that name no scope; Keycloak granted them always")
	}
}

func (r *Result) keycloakTokens(c *keycloakClient, reg *registration.Client) {
	if text := c.Attributes["access.token.lifespan"]; text != "" {
		if lifespan, err := strconv.ParseInt(text, 10, 64); err == nil && lifespan > 0 {
			reg.AccessToken = &registration.AccessTokens{Lifetime: seconds(lifespan)}
		}
	}
	reg.IDToken = r.algorithm(c.ClientID, "id.token.signed.response.alg", c.Attributes["id.token.signed.response.alg"])
	for _, name := range []string{"client.session.idle.timeout", "client.session.max.lifespan", "client.offline.session.idle.timeout"} {
		if text := c.Attributes[name]; text != "" && text != "0" {
			r.note(c.ClientID, name, "%s seconds is not imported; see refresh_token { lifetime, idle }", text)
		}
	}
}

// keycloakSecret takes the secret over, unless it is masked or of another kind.
func (r *Result) keycloakSecret(c *keycloakClient) oauth.Secret {
	if c.AuthenticatorType != "" && c.AuthenticatorType != "client-secret" {
		r.note(c.ClientID, "clientAuthenticatorType", "%s is not known here: the client must use a secret", c.AuthenticatorType)
	} else if c.Secret != "" && strings.Trim(c.Secret, "*") != "" && !strings.HasPrefix(c.Secret, "${") {
		return oauth.NewSecret(c.Secret)
	}
	r.note(c.ClientID, "secret", "the secret is not in the document: a new one is made, which the client must be given")
	return oauth.Secret{}
}

func (r *Result) keycloakUnknown(c *keycloakClient) {
	if len(c.ProtocolMappers) > 0 {
		r.note(c.ClientID, "protocolMappers", "%d mappers are not imported; an audience mapper becomes a resource of the client", len(c.ProtocolMappers))
	}
	if c.AuthorizationEnable {
		r.note(c.ClientID, "authorizationServicesEnabled", "its policies are not imported; see the rules of bearer_auth")
	}
	for _, foreign := range keycloakForeign {
		if value := c.Attributes[foreign.attribute]; value != "" && value != "false" && value != "any" {
			r.note(c.ClientID, foreign.attribute, "left out: %s", foreign.text)
		}
	}
}

// keycloakForeign are settings that have no counterpart here.
var keycloakForeign = []struct{ attribute, text string }{
	{"access.token.signed.response.alg", "access tokens are signed with ES256"},
	{"acr.loa.map", "acr values are not mapped"},
	{"authorization.signed.response.alg", "answers are not signed"},
	{"default.acr.values", "clients must ask for acr_values themselves"},
	{"dpop.bound.access.tokens", "access tokens are not bound to DPoP keys"},
	{"frontchannel.logout.url", "front-channel logout is not there"},
	{"id.token.encrypted.response.alg", "ID tokens are not encrypted"},
	{"jwks.url", "clients authenticate by secret"},
	{"minimum.acr.value", "clients must ask for acr_values themselves"},
	{"oauth2.device.authorization.grant.enabled", "this server does not have the device grant"},
	{"oauth2.jwt.authorization.grant.enabled", "this server does not have the JWT grant"},
	{"oidc.ciba.grant.enabled", "this server does not have CIBA"},
	{"request.object.required", "request objects are not taken"},
	{"require.pushed.authorization.requests", "pushed authorization requests are not there yet"},
	{"standard.token.exchange.enabled", "this server does not have token exchange"},
	{"tls.client.certificate.bound.access.tokens", "access tokens are not bound to certificates"},
	{"user.info.response.signature.alg", "answers of userinfo are not signed"},
	{"x509.subjectdn", "clients authenticate by secret"},
}
