package registration

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect RP-Initiated Logout §3.1, OpenID Connect Back-Channel Logout §2.2

// checkLogout judges where a client may be told of sign-outs. What a browser is
// sent to keeps the rules of redirect URIs.
func checkLogout(c *store.Client) error {
	for _, uri := range c.PostLogoutRedirectURIs {
		if strings.Contains(uri, "*") {
			return fmt.Errorf("post_logout_redirect_uri %q has a wildcard: they are compared byte for byte, so list each one", uri)
		}
		if err := oauth.CheckRedirectURI(uri); err != nil {
			return fmt.Errorf("post_logout_redirect_uri %q %w", uri, err)
		}
	}
	if c.LogoutURI == "" {
		if c.LogoutSessionRequired {
			return errors.New("says backchannel_logout_session_required, but not where to tell it; add, for example: backchannel_logout_uri https://app.example.com/logout")
		}
		return nil
	}
	if err := CheckLogoutURI(c.LogoutURI); err != nil {
		return fmt.Errorf("backchannel_logout_uri %q %w", c.LogoutURI, err)
	}
	return nil
}

// CheckLogoutURI says whether a client can be told of sign-outs there: https, or
// http on loopback. Errors go on from the URI.
func CheckLogoutURI(uri string) error {
	if err := oauth.CheckRedirectURI(uri); err != nil {
		return err
	}
	if u, err := url.Parse(uri); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("is called by this server: use https")
	}
	return nil
}
