package caddymodule

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9728 §1.2, RFC 8707 §2

// BearerResource is the API as its clients know it.
type BearerResource struct {
	// URL is where clients reach the API: https, or http on loopback, without
	// query. Its metadata stands beside it. Default: the first audience that is
	// such a URL.
	URL string `json:"url,omitempty"`

	// Name is what people call the API. Default: none.
	Name string `json:"name,omitempty"`

	// Documentation is the URL of a page for developers. Default: none.
	Documentation string `json:"documentation,omitempty"`

	// Policy is the URL of a page that says how the API's data may be used.
	// Default: none.
	Policy string `json:"policy,omitempty"`

	// Terms is the URL of the terms of service. Default: none.
	Terms string `json:"terms,omitempty"`

	// Scopes are the scope tokens that clients may ask for. Default: those that
	// the rules name.
	Scopes []string `json:"scopes,omitempty"`
}

// readResource reads: resource [<url>] { ... }.
func (b *BearerAuth) readResource(d *caddyfile.Dispenser) error {
	b.Resource = new(BearerResource)
	if d.NextArg() {
		b.Resource.URL = d.Val()
	}
	if err := noArgs(d); err != nil {
		return err
	}
	return readBlock(d, "resource", map[string]reader{
		"name":          text(&b.Resource.Name),
		"documentation": text(&b.Resource.Documentation),
		"policy":        text(&b.Resource.Policy),
		"terms":         text(&b.Resource.Terms),
		"scopes":        texts(&b.Resource.Scopes),
	})
}

// resourceAddress is where clients reach the API, without placeholders; "" when
// that was neither said nor shows in an audience.
func (b *BearerAuth) resourceAddress() string {
	if b.Resource != nil && b.Resource.URL != "" {
		return caddy.NewReplacer().ReplaceKnown(b.Resource.URL, "")
	}
	for _, audience := range b.Audience {
		if checkResourceURL(audience) == nil {
			return audience
		}
	}
	return ""
}

// check finds what is wrong with the resource, where there is one, as far as it
// can be told before placeholders are filled in.
func (r *BearerResource) check() error {
	if r == nil {
		return nil
	}
	if r.URL != "" && !strings.Contains(r.URL, "{") {
		if err := checkResourceURL(r.URL); err != nil {
			return fmt.Errorf("resource %s %w", r.URL, err)
		}
	}
	for _, page := range []struct{ option, address string }{
		{"documentation", r.Documentation}, {"policy", r.Policy}, {"terms", r.Terms},
	} {
		if u, err := url.Parse(page.address); page.address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("resource: %s %q is not the URL of a page", page.option, page.address)
		}
	}
	if _, err := oauth.ParseScope(strings.Join(r.Scopes, " ")); err != nil {
		return fmt.Errorf("resource: scopes: %w", err)
	}
	return nil
}

// checkResourceURL says whether a URL may identify a resource: an absolute https
// URL without fragment (RFC 9728 §1.2), in the one form in which clients will
// write it too.
func checkResourceURL(address string) error {
	if err := oauth.CheckResource(address); err != nil {
		return err
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.User != nil:
		return errors.New("is not an absolute URL such as https://api.example.com")
	case u.Scheme != "https" && (u.Scheme != "http" || !oauth.IsLoopbackHost(u.Hostname())):
		return errors.New("must use https (http is for loopback only)")
	case strings.Contains(address, "?"):
		return errors.New("must not have a query")
	case u.String() != address || u.Host != strings.ToLower(u.Host) || u.Path != "" && ambiguousPath(u):
		return errors.New("must be written in its normal form: host in lower case, path without dot segments, double slashes or needless escapes")
	}
	return nil
}
