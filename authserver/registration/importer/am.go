package importer

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

// AM reads clients of AM as its realm-config exports them: one client
// (`…/realm-config/agents/OAuth2Client/ID`), a query for all of them
// (`…?_queryFilter=true`), an array, or an export of the form
// `{"application": {ID: …}}`.
func AM(document []byte) (Result, error) {
	var result Result
	clients, err := amClients(document)
	if err != nil {
		return result, err
	}
	if len(clients) == 0 {
		return result, errors.New("there is no OAuth2Client in the document; export …/realm-config/agents/OAuth2Client?_queryFilter=true")
	}
	for i := range clients {
		result.am(&clients[i])
	}
	return result, nil
}

// am takes one client over.
func (r *Result) am(c *amClient) {
	if c.ID == "" || c.Core == nil {
		r.note(c.ID, "_id", "left out: this is no OAuth2Client")
		return
	}
	r.amInherited(c)
	out := Client{Disabled: c.Core["status"].text() == "Inactive"}
	reg := &out.Registration
	reg.ID = c.ID
	reg.Name = lastPart(cmp.Or(c.Core["clientName"].text(), c.Advanced["name"].text()))
	method := c.Advanced["tokenEndpointAuthMethod"].text()
	reg.Public = strings.EqualFold(c.Core["clientType"].text(), "Public") || method == oauth.AuthMethodNone
	reg.RedirectURIs = r.redirectURIs(c.ID, "redirectionUris", c.Core["redirectionUris"].list())
	reg.Scopes = r.scopes(c.ID, "scopes", firstParts(c.Core["scopes"].list()))
	reg.DefaultScopes = r.scopes(c.ID, "defaultScopes", firstParts(c.Core["defaultScopes"].list()))
	// In AM a default scope need not be among the scopes.
	for _, token := range reg.DefaultScopes {
		if !slices.Contains(reg.Scopes, token) {
			reg.Scopes = append(reg.Scopes, token)
		}
	}
	reg.CORSOrigins = r.origins(c.ID, "javascriptOrigins", c.Advanced["javascriptOrigins"].list())
	reg.PostLogoutRedirectURIs = r.redirectURIs(c.ID, "postLogoutRedirectUri", c.OpenID["postLogoutRedirectUri"].list())
	r.logoutURI(c.ID, "backchannel_logout_uri", cmp.Or(c.OpenID["backchannel_logout_uri"].text(), c.Core["backchannel_logout_uri"].text()), reg)
	reg.BackchannelLogoutSessionRequired = reg.BackchannelLogoutURI != "" && c.OpenID["backchannel_logout_session_required"].yes()
	r.amGrants(c, reg)
	r.amConsent(c, reg)
	r.amTokens(c, reg)
	if !reg.Public {
		out.Secret = r.amSecret(c, method)
		// AM checks a challenge that is sent, and demands one only when told to.
		if enforced := c.Provider.Advanced["codeVerifierEnforced"].text(); usesCode(reg) && enforced != "true" {
			reg.PKCEOptional = true
			r.note(c.ID, "codeVerifierEnforced", "pkce_optional is set, since AM did not demand PKCE; take it away once the client sends a code_challenge")
		}
	} else if usesCode(reg) {
		r.note(c.ID, "clientType", "a public client must use PKCE with S256 here; see that it sends a code_challenge")
	}
	r.amUnknown(c)
	r.Clients = append(r.Clients, out)
}

// amInherited tells of settings that stand in a group and not in the document.
func (r *Result) amInherited(c *amClient) {
	for _, part := range []map[string]amItem{c.Core, c.Advanced, c.OpenID} {
		for _, name := range slices.Sorted(maps.Keys(part)) {
			if part[name].inherited {
				r.note(c.ID, name, "is inherited from a group that is not in the document; set it by hand")
			}
		}
	}
}

func (r *Result) amGrants(c *amClient, reg *registration.Client) {
	for _, grant := range c.Advanced["grantTypes"].list() {
		switch grant {
		case oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantImplicit, oauth.GrantPassword, oauth.GrantRefreshToken:
			if reg.Public && (grant == oauth.GrantClientCredentials || grant == oauth.GrantPassword) {
				r.note(c.ID, "grantTypes", "%s was left out: a public client may not use it", grant)
				continue
			}
			reg.Grants = append(reg.Grants, grant)
		default:
			r.note(c.ID, "grantTypes", "%s was left out: this server does not have it", grant)
		}
	}
}

// amConsent lets a client do without consent only where client and provider both
// say so, as in AM.
func (r *Result) amConsent(c *amClient, reg *registration.Client) {
	if !c.Advanced["isConsentImplied"].yes() {
		return
	}
	may := c.Provider.Consent["clientsCanSkipConsent"].yes()
	if c.overrides() {
		may = c.Override["clientsCanSkipConsent"].yes()
	}
	if may {
		reg.SkipConsent = true
		return
	}
	r.note(c.ID, "isConsentImplied", "left out: the document does not show that the provider lets clients skip consent; set skip_consent for a client of your own")
}

func (c *amClient) overrides() bool { return c.Override["providerOverridesEnabled"].yes() }

func (r *Result) amTokens(c *amClient, reg *registration.Client) {
	if lifetime := c.Core["accessTokenLifetime"].number(); lifetime > 0 {
		reg.AccessToken = &registration.AccessTokens{Lifetime: seconds(lifetime)}
	}
	var refresh registration.RefreshTokens
	if lifetime := c.Core["refreshTokenLifetime"].number(); lifetime != 0 {
		// AM has one lifetime, counted from each refresh token.
		refresh.Lifetime, refresh.Idle = seconds(-1), seconds(lifetime)
		r.note(c.ID, "refreshTokenLifetime", "is the idle time here, since AM counts it from each new refresh token; set refresh_token lifetime to end families")
	}
	if c.overrides() {
		if item, ok := c.Override["issueRefreshToken"]; ok {
			refresh.Issue = boolean(item.yes())
		}
		if item, ok := c.Override["issueRefreshTokenOnRefreshedToken"]; ok {
			if !item.yes() && reg.Public {
				r.note(c.ID, "issueRefreshTokenOnRefreshedToken", "refresh tokens of a public client must rotate here")
			} else {
				refresh.Rotate = boolean(item.yes())
			}
		}
		if item, ok := c.Override["statelessTokensEnabled"]; ok && !item.yes() {
			if reg.AccessToken == nil {
				reg.AccessToken = new(registration.AccessTokens)
			}
			reg.AccessToken.Format = oauth.FormatOpaque
		}
	}
	if refresh != (registration.RefreshTokens{}) {
		reg.RefreshToken = &refresh
	}
	if lifetime := c.Core["authorizationCodeLifetime"].number(); lifetime > 60 {
		r.note(c.ID, "authorizationCodeLifetime", "codes live 60 seconds at most here")
	} else if lifetime > 0 {
		reg.CodeLifetime = seconds(lifetime)
	}
	reg.IDToken = r.algorithm(c.ID, "idTokenSignedResponseAlg", c.SignEnc["idTokenSignedResponseAlg"].text())
	if lifetime := c.OpenID["jwtTokenLifetime"].number(); lifetime > 0 {
		if reg.IDToken == nil {
			reg.IDToken = new(registration.IDTokens)
		}
		reg.IDToken.Lifetime = seconds(lifetime)
	}
}

// amSecret takes the secret over if the document has it: exports leave it out, or
// encrypt it with a key that we do not have.
func (r *Result) amSecret(c *amClient, method string) oauth.Secret {
	switch method {
	case "", oauth.AuthMethodBasic, oauth.AuthMethodPost:
	default:
		r.note(c.ID, "tokenEndpointAuthMethod", "%s is not known here: the client must use a secret", method)
	}
	text := c.Core["userpassword"].text()
	if text == "" || strings.HasPrefix(text, "&{") || strings.HasPrefix(text, "{") || c.Core["userpassword-encrypted"].text() != "" {
		r.note(c.ID, "userpassword", "the secret is not in the document: a new one is made, which the client must be given")
		return oauth.Secret{}
	}
	return oauth.NewSecret(text)
}

// amForeign are settings that have no counterpart here, where they say something.
var amForeign = []struct {
	part          func(*amClient) map[string]amItem
	name, text    string
	saysSomething func(amItem) bool
}{
	{(*amClient).openID, "defaultAcrValues", "clients must ask for acr_values themselves", amItem.set},
	{(*amClient).openID, "defaultMaxAgeEnabled", "clients must ask for max_age themselves", amItem.yes},
	{(*amClient).advanced, "requestUris", "request objects are not taken", amItem.set},
	{(*amClient).advanced, "subjectType", "every client sees the same sub", func(i amItem) bool { return strings.EqualFold(i.text(), "pairwise") }},
	{(*amClient).signEnc, "jwksUri", "clients authenticate by secret", amItem.set},
	{(*amClient).signEnc, "jwkSet", "clients authenticate by secret", amItem.set},
	{(*amClient).signEnc, "mTLSCertificateBoundAccessTokens", "access tokens are not bound to certificates", amItem.yes},
	{(*amClient).signEnc, "idTokenEncryptionEnabled", "ID tokens are not encrypted", amItem.yes},
	{(*amClient).override, "customLoginUrlTemplate", "people sign in on the pages of this server", amItem.set},
	{(*amClient).override, "accessTokenModificationScript", "no scripts change tokens", amItem.script},
	{(*amClient).override, "oidcClaimsScript", "no scripts make claims", amItem.script},
}

func (r *Result) amUnknown(c *amClient) {
	for _, foreign := range amForeign {
		if item, ok := foreign.part(c)[foreign.name]; ok && foreign.saysSomething(item) {
			r.note(c.ID, foreign.name, "left out: %s", foreign.text)
		}
	}
}

func usesCode(reg *registration.Client) bool {
	return slices.Contains(reg.Grants, oauth.GrantAuthorizationCode)
}

// firstParts takes the scopes of `scope|locale|words for people`.
func firstParts(items []string) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i], _, _ = strings.Cut(item, "|")
	}
	return out
}

// lastPart takes the name of `locale|name`.
func lastPart(item string) string { return item[strings.LastIndex(item, "|")+1:] }

func boolean(value bool) *bool { return &value }
