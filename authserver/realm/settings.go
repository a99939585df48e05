package realm

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
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
	// Clients are those of the configuration, complete. Defaults is what those of
	// the store are laid over.
	Clients  []store.Client
	Defaults registration.Defaults
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
	// Limits bound how often passwords and codes may be tried.
	Limits login.Limits
	// ACRs are the acr values of the realm; the zero value is ours.
	ACRs login.ACRs
	// SecondFactor says who is asked for one, NoPasskeys that there are no passkeys.
	SecondFactor SecondFactor
	NoPasskeys   bool
	// Look is how the pages look.
	Look pages.Look
	// LogoutPrivate are private addresses at which clients may be told of sign-outs.
	LogoutPrivate []netip.Prefix
	// JSONAuthenticate switches /json/…/authenticate on.
	JSONAuthenticate bool
	// KeyRotation is the age at which a key is replaced, 0 for never.
	KeyRotation time.Duration
	// Signers are the private keys that are not in the store.
	Signers []keys.External
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
		if err := registration.CheckGrant(grant); err != nil {
			return fmt.Errorf("realm %s: %w", s.Name, err)
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
	if err := cmp.Or(s.checkSecondFactor(), s.checkACRs()); err != nil {
		return err
	}
	if _, err := pages.New(s.Look, s.Issuer); err != nil {
		return fmt.Errorf("realm %s: pages: %w", s.Name, err)
	}
	if err := s.Limits.Check(); err != nil {
		return fmt.Errorf("realm %s: sign_in_limits: %w", s.Name, err)
	}
	rules, seen := s.rules(), map[string]bool{}
	for i := range s.Clients {
		client := &s.Clients[i]
		if seen[client.ID] {
			return fmt.Errorf("realm %s: client %s is there twice", s.Name, client.ID)
		}
		seen[client.ID] = true
		if err := registration.Check(client, rules); err != nil {
			return fmt.Errorf("realm %s: client %q %w", s.Name, client.ID, err)
		}
	}
	return nil
}

func (s *Settings) checkServices() error {
	for name, service := range s.Services {
		if chain, ok := service.(*login.Chain); ok {
			if err := chain.Check(s.Services); err != nil {
				return fmt.Errorf("realm %s: authentication %w", s.Name, err)
			}
		}
		// Subjects of other services are written service:id.
		if name == "" || strings.ContainsAny(name, ": /") {
			return fmt.Errorf("realm %s: authentication service %q: a name has no colon, slash or space", s.Name, name)
		}
	}
	forPasswords := s.PasswordServices
	if len(forPasswords) == 0 && s.DefaultService != "" && slices.Contains(s.Grants, oauth.GrantPassword) {
		forPasswords = []string{s.DefaultService}
	}
	for _, name := range forPasswords {
		if service, ok := s.Services[name]; ok && !takesPasswords(service) {
			return fmt.Errorf("realm %s: authentication service %s needs more than a username and a password, so it cannot serve the password grant; "+
				"name others with password_authentication", s.Name, name)
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
	return nil
}

func takesPasswords(service login.Service) bool {
	_, ok := service.(login.Passwords)
	return ok
}

// rules is what the rules for clients must know of the realm.
func (s *Settings) rules() registration.Realm {
	return registration.Realm{
		Grants: s.Grants, Login: s.DefaultService != "", Passwords: len(s.PasswordServices) > 0,
	}
}

// CanObtain says whether a configured client of the realm can get tokens for one
// of these audiences, by asking or by default. Those of the store are not known
// before the start.
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
		for _, warning := range registration.Warnings(&s.Clients[i]) {
			out = append(out, fmt.Sprintf("realm %s: client %s %s", s.Name, s.Clients[i].ID, warning))
		}
	}
	return out
}
