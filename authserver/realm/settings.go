package realm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Settings is one realm as the operator wrote it, every default filled in.
type Settings struct {
	// Name is "/" for the root realm, else a path such as "/customers/eu".
	Name string
	// Issuer is the one URL that identifies the realm in every token and
	// document, and the base of every URL that we print.
	Issuer string
	// Grants are the grant types that the realm allows at all.
	Grants []string
	// Resources are the audiences that the realm issues tokens for; the first is
	// the default.
	Resources []string
	Clients   []store.Client
	// Services are the authentication services by name.
	Services map[string]login.Service
	// DefaultService signs people in on the page; its accounts have their bare
	// id as sub.
	DefaultService string
	// PasswordServices are those that the password grant may use, the first when
	// the request names none.
	PasswordServices []string
	// SharedAccounts declares that an id means the same person in every service:
	// then sub is the bare id whatever the service.
	SharedAccounts bool
	Session        login.SessionPolicy
	// JSONAuthenticate switches /json/…/authenticate on.
	JSONAuthenticate bool
}

// endpointNames are the first path segments below a realm: no realm may bear
// one of them, or its legacy path form would be ambiguous.
var endpointNames = []string{
	"access_token", "authorize", "introspect", "token", "userinfo", "connect", "device", "par",
	"register", "login", "consent", "pages", "realms", "root", "json", ".well-known", "bc-authorize",
	"tokeninfo", "idtokeninfo", "revoke", "account", "authenticate", "oauth2",
}

// CheckName says whether name may be a realm's: "/" or segments of letters,
// digits, "-" and "_" that are not the name of an endpoint.
func CheckName(name string) error {
	if name == "/" {
		return nil
	}
	if !strings.HasPrefix(name, "/") || len(name) > 128 {
		return fmt.Errorf("realm %q: a realm's name is / or begins with a slash, such as /customers", name)
	}
	for segment := range strings.SplitSeq(name[1:], "/") {
		if segment == "" || strings.Trim(segment, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return fmt.Errorf("realm %q: names are made of letters, digits, - and _ between single slashes", name)
		}
		if slices.Contains(endpointNames, segment) {
			return fmt.Errorf("realm %q: %q is the name of an endpoint", name, segment)
		}
	}
	return nil
}

// CanonicalPath is the path of a realm below its prefix: /oauth2 for the root
// realm, /oauth2/realms/root/realms/customers for /customers.
func CanonicalPath(name string) string {
	path := "/oauth2"
	if name == "/" {
		return path
	}
	path += "/realms/root"
	for segment := range strings.SplitSeq(name[1:], "/") {
		path += "/realms/" + segment
	}
	return path
}

// Prefix is what stands before CanonicalPath in the path of the issuer: "" in
// most set-ups, "/am" for an issuer such as https://x.example/am/oauth2.
func (s *Settings) Prefix() (string, error) {
	path := strings.TrimPrefix(s.Issuer, oauth.Origin(s.Issuer))
	want := CanonicalPath(s.Name)
	prefix, ok := strings.CutSuffix(path, want)
	if !ok && s.Name == "/" {
		prefix, ok = strings.CutSuffix(path, want+"/realms/root")
	}
	if !ok {
		return "", fmt.Errorf("realm %s: the path of issuer %s must end in %s, where the server answers", s.Name, s.Issuer, want)
	}
	return prefix, nil
}

// Check finds what cannot work, in words that say how to mend it.
func (s *Settings) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if err := oauth.CheckIssuer(s.Issuer); err != nil {
		return fmt.Errorf("realm %s: issuer %q %w", s.Name, s.Issuer, err)
	}
	if _, err := s.Prefix(); err != nil {
		return err
	}
	for _, grant := range s.Grants {
		if !slices.Contains(knownGrants, grant) {
			return fmt.Errorf("realm %s: unknown grant %q; there are %s", s.Name, grant, strings.Join(knownGrants, ", "))
		}
	}
	for _, resource := range s.Resources {
		if err := oauth.CheckResource(resource); err != nil {
			return fmt.Errorf("realm %s: resource %q %w", s.Name, resource, err)
		}
	}
	if err := s.checkServices(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range s.Clients {
		client := &s.Clients[i]
		if seen[client.ID] {
			return fmt.Errorf("realm %s: client %s is there twice", s.Name, client.ID)
		}
		seen[client.ID] = true
		if err := checkClient(client, s.Grants); err != nil {
			return fmt.Errorf("realm %s: client %q %w", s.Name, client.ID, err)
		}
	}
	return nil
}

func (s *Settings) checkServices() error {
	for name := range s.Services {
		// Subjects of other services are written service:id.
		if name == "" || strings.ContainsAny(name, ": /") {
			return fmt.Errorf("realm %s: authentication service %q: a name has no colon, slash or space", s.Name, name)
		}
	}
	names := slices.Clone(s.PasswordServices)
	if s.DefaultService != "" {
		names = append(names, s.DefaultService)
	}
	for _, name := range names {
		if _, ok := s.Services[name]; !ok {
			return fmt.Errorf("realm %s: there is no authentication service %q; declare it with: authentication %s file PATH", s.Name, name, name)
		}
	}
	if s.JSONAuthenticate && s.DefaultService == "" {
		return fmt.Errorf("realm %s: json_authenticate signs users in, but no authentication service says who they are; declare one with: authentication NAME file PATH", s.Name)
	}
	needsUsers := func(grant string) bool {
		return grant == oauth.GrantAuthorizationCode || grant == oauth.GrantImplicit || grant == oauth.GrantPassword
	}
	for i := range s.Clients {
		for _, grant := range s.Clients[i].Grants {
			if needsUsers(grant) && s.DefaultService == "" && (grant != oauth.GrantPassword || len(s.PasswordServices) == 0) {
				return fmt.Errorf("realm %s: client %q uses %s, but no authentication service says who the users are; declare one with: authentication NAME file PATH", s.Name, s.Clients[i].ID, grant)
			}
		}
	}
	return nil
}

var knownGrants = []string{
	oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantImplicit,
	oauth.GrantPassword, oauth.GrantRefreshToken,
}

// checkClient finds a registration that cannot work or must not.
func checkClient(c *store.Client, realmGrants []string) error {
	switch {
	case !oauth.ValidClientID(c.ID):
		return errors.New("needs an id of 1 to 255 printable ASCII characters")
	case c.Public && len(c.Secrets) > 0:
		return errors.New("is public and has a secret: choose one")
	case !c.Public && len(c.Secrets) == 0:
		return errors.New("has no secret: give it one, or say public")
	case len(c.Secrets) > 2:
		return errors.New("has more than two secrets")
	case c.Public && c.Allows(oauth.GrantClientCredentials):
		return errors.New("is public and cannot use client_credentials, which proves nothing without a secret (RFC 6749 section 4.4)")
	case c.Public && c.PKCEOptional:
		return errors.New("is public and must use PKCE")
	case c.AccessTokenLifetime > store.MaxAccessTokenLifetime:
		return fmt.Errorf("has access tokens that live longer than %v: use refresh tokens instead", store.MaxAccessTokenLifetime)
	case c.Public && c.Refresh.Issue && !c.Refresh.Rotate && c.Allows(oauth.GrantRefreshToken):
		return errors.New("is public and its refresh tokens must rotate: a stolen one would not be noticed (RFC 9700 section 2.2.2)")
	case c.Public && c.Allows(oauth.GrantPassword):
		return errors.New("is public and cannot use the password grant")
	}
	for _, grant := range c.Grants {
		if !slices.Contains(knownGrants, grant) {
			return fmt.Errorf("lists unknown grant %q; there are %s", grant, strings.Join(knownGrants, ", "))
		}
		if !slices.Contains(realmGrants, grant) {
			return fmt.Errorf("lists grant %s, which its realm does not; add it to the realm's grants", grant)
		}
	}
	for _, uri := range c.RedirectURIs {
		if strings.Contains(uri, "*") {
			return fmt.Errorf("redirect_uri %q has a wildcard: redirect URIs are compared byte for byte, so list each one", uri)
		}
		if err := oauth.CheckRedirectURI(uri); err != nil {
			return fmt.Errorf("redirect_uri %q %w", uri, err)
		}
	}
	front := c.Allows(oauth.GrantAuthorizationCode) || c.Allows(oauth.GrantImplicit)
	if front && len(c.RedirectURIs) == 0 {
		return errors.New("needs a redirect_uri for the authorization endpoint")
	}
	for _, token := range c.Scopes {
		if !oauth.ValidScopeToken(token) {
			return fmt.Errorf("lists scope %q, which is not a valid scope token", token)
		}
	}
	if !c.DefaultScopes.Within(c.Scopes) {
		return errors.New("has default_scopes that its scopes do not list")
	}
	for _, uri := range c.Resources {
		if err := oauth.CheckResource(uri); err != nil {
			return fmt.Errorf("resource %q %w", uri, err)
		}
	}
	return nil
}

// CanObtain says whether a client of the realm can get tokens for one of these
// audiences, by asking or by default.
func (s *Settings) CanObtain(audiences []string) bool {
	return slices.ContainsFunc(s.Clients, func(c store.Client) bool {
		return slices.ContainsFunc(audiences, func(audience string) bool {
			return c.Audience == audience || slices.Contains(c.Resources, audience)
		})
	})
}

// Warnings are what works and should not be: said once at start.
func (s *Settings) Warnings() []string {
	var out []string
	for i := range s.Clients {
		c := &s.Clients[i]
		if c.Allows(oauth.GrantImplicit) {
			out = append(out, fmt.Sprintf("realm %s: client %s may use the implicit grant, which puts access tokens into URLs; use authorization_code with PKCE (RFC 9700 section 2.1.2)", s.Name, c.ID))
		}
		if c.Allows(oauth.GrantPassword) {
			out = append(out, fmt.Sprintf("realm %s: client %s may use the password grant, which shows it the users' passwords; use authorization_code with PKCE (RFC 9700 section 2.4)", s.Name, c.ID))
		}
	}
	return out
}
