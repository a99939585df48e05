package registration

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// maxSecrets is how many secrets a client has at most: the one in use, and the
// next.
const maxSecrets = 2

// Realm is what the rules for clients must know of their realm.
type Realm struct {
	// Grants are the grant types that it allows at all.
	Grants []string
	// Login says whether some service signs its users in on the page, Passwords
	// whether one does for the password grant.
	Login, Passwords bool
}

// knownGrants are the grant types that there are.
var knownGrants = []string{
	oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantImplicit,
	oauth.GrantPassword, oauth.GrantRefreshToken,
}

// Grants are the grant types that there are.
func Grants() []string { return slices.Clone(knownGrants) }

// CheckGrant refuses a grant type that does not exist.
func CheckGrant(grant string) error {
	if !slices.Contains(knownGrants, grant) {
		return fmt.Errorf("unknown grant %q; there are %s", grant, strings.Join(knownGrants, ", "))
	}
	return nil
}

// Check finds a client that cannot work in its realm, or must not. Errors go on
// from the client's name.
func Check(c *store.Client, realm Realm) error {
	if !oauth.ValidClientID(c.ID) {
		return errors.New("needs an id of 1 to 255 printable ASCII characters")
	}
	for _, check := range []func() error{
		func() error { return checkSecrets(c) },
		func() error { return checkPublic(c) },
		func() error { return checkGrants(c.Grants, realm) },
		func() error { return checkRedirects(c) },
		func() error { return checkLogout(c) },
		func() error { return checkLists(c) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func checkSecrets(c *store.Client) error {
	switch {
	case c.Public && len(c.Secrets) > 0:
		return errors.New("is public and has a secret: choose one")
	case !c.Public && len(c.Secrets) == 0:
		return errors.New("has no secret: give it one, or say public")
	case len(c.Secrets) > maxSecrets:
		return errors.New("has more than two secrets")
	}
	return nil
}

func checkPublic(c *store.Client) error {
	switch {
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
	return nil
}

func checkGrants(grants []string, realm Realm) error {
	for _, grant := range grants {
		if err := CheckGrant(grant); err != nil {
			return fmt.Errorf("lists %w", err)
		}
		if !slices.Contains(realm.Grants, grant) {
			return fmt.Errorf("lists grant %s, which its realm does not; add it to the realm's grants", grant)
		}
		if err := realm.CheckUsers(grant); err != nil {
			return err
		}
	}
	return nil
}

// CheckUsers refuses a grant type of users where no service says who they are.
func (r Realm) CheckUsers(grant string) error {
	users := grant == oauth.GrantAuthorizationCode || grant == oauth.GrantImplicit || grant == oauth.GrantPassword
	if users && !r.Login && (grant != oauth.GrantPassword || !r.Passwords) {
		return fmt.Errorf("uses %s, but no authentication service says who the users are; declare one with: authentication NAME file PATH", grant)
	}
	return nil
}

func checkRedirects(c *store.Client) error {
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
	return nil
}

func checkLists(c *store.Client) error {
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

// EndsCodes says whether codes that a client was given under one registration
// must not be redeemed under the next: where they could be sent, or who could
// redeem them, has changed (CL11).
func EndsCodes(before, after *Client) bool {
	return before.Public != after.Public || before.AuthMethod != after.AuthMethod || before.PKCEOptional != after.PKCEOptional ||
		before.Disabled != after.Disabled ||
		!slices.Equal(before.RedirectURIs, after.RedirectURIs) || !slices.Equal(before.Grants, after.Grants)
}

// Warnings are what works and should not be. They go on from the client's name.
func Warnings(c *store.Client) []string {
	var out []string
	if c.Allows(oauth.GrantImplicit) {
		out = append(out, "may use the implicit grant, which puts access tokens into URLs; use authorization_code with PKCE (RFC 9700 section 2.1.2)")
	}
	if c.Allows(oauth.GrantPassword) {
		out = append(out, "may use the password grant, which shows it the users' passwords; use authorization_code with PKCE (RFC 9700 section 2.4)")
	}
	return out
}
