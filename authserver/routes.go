package authserver

import (
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// RFC 8414 §3.1

// The endpoints below a realm's path.
const (
	endpointAuthorize     = "authorize"
	endpointLogin         = "login"
	endpointFactor        = "login/factor"
	endpointEnrol         = "login/enrol"
	endpointCallback      = "login/callback"
	endpointConsent       = "consent"
	endpointAccount       = "account"
	endpointPassword      = "account/password"
	endpointAddTOTP       = "account/totp"
	endpointAddPasskey    = "account/passkey"
	endpointToken         = "access_token"
	endpointIntrospect    = "introspect"
	endpointRevoke        = "token/revoke"
	endpointUserInfo      = "userinfo"
	endpointJWKS          = "connect/jwk_uri"
	endpointEndSession    = "connect/endSession"
	endpointOpenID        = ".well-known/openid-configuration"
	endpointServerMeta    = ".well-known/oauth-authorization-server"
	endpointStyle         = "pages/style.css"
	endpointTheme         = "pages/theme.css"
	endpointSubmit        = "pages/submit.js"
	endpointPasskey       = "pages/passkey.js"
	endpointLogo          = "pages/logo"
	endpointAuthenticate  = "authenticate" // below /json, not /oauth2
	canonicalRealmsPrefix = "realms/root"
)

var endpoints = []string{
	endpointAuthorize, endpointLogin, endpointFactor, endpointEnrol, endpointCallback, endpointConsent, endpointAccount,
	endpointPassword, endpointAddTOTP, endpointAddPasskey,
	endpointToken, endpointIntrospect, endpointRevoke, endpointUserInfo, endpointJWKS, endpointEndSession, endpointOpenID, endpointServerMeta,
	endpointStyle, endpointTheme, endpointSubmit, endpointPasskey, endpointLogo,
}

// Routes finds the realm and endpoint of a path. It is made from the
// configuration alone, so a path is known to be ours before the store is open.
type Routes struct {
	// prefixes are what stands before /oauth2 and /json, longest first, each
	// with the names of its realms and whether one of them is configured to have
	// /json/…/authenticate.
	prefixes []prefixRoutes
	// inserted are the well-known paths with the issuer's path inserted.
	inserted map[string]string
}

type prefixRoutes struct {
	prefix string
	realms map[string]bool
	json   bool
}

// Paths makes the Routes of a Config that Check has passed.
func Paths(config Config) *Routes {
	routes := &Routes{inserted: map[string]string{}}
	for i := range config.Realms {
		settings := &config.Realms[i]
		prefix, err := settings.Prefix()
		if err != nil {
			continue // Check refuses such a realm
		}
		at := slices.IndexFunc(routes.prefixes, func(p prefixRoutes) bool { return p.prefix == prefix })
		if at < 0 {
			at = len(routes.prefixes)
			routes.prefixes = append(routes.prefixes, prefixRoutes{prefix: prefix, realms: map[string]bool{}})
		}
		routes.prefixes[at].realms[settings.Name] = true
		routes.prefixes[at].json = routes.prefixes[at].json || settings.JSONAuthenticate
		issuerPath := strings.TrimPrefix(settings.Issuer, oauth.Origin(settings.Issuer))
		for _, document := range []string{endpointOpenID, endpointServerMeta} {
			routes.inserted["/"+document+issuerPath] = settings.Name
		}
	}
	slices.SortFunc(routes.prefixes, func(a, b prefixRoutes) int { return len(b.prefix) - len(a.prefix) })
	return routes
}

// Handles says whether a path is the server's to answer, if only with 404. A
// Server may have switched on more.
func (r *Routes) Handles(path string) bool {
	if _, ok := r.inserted[path]; ok {
		return true
	}
	for _, p := range r.prefixes {
		if _, ok := below(path, p.prefix+"/oauth2"); ok {
			return true
		}
		if rest, ok := below(path, p.prefix+"/json"); ok && p.json && strings.HasSuffix("/"+rest, "/"+endpointAuthenticate) {
			return true
		}
	}
	return false
}

// below cuts base and a slash off path, so that rest is what is below base.
func below(path, base string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, base)
	if !ok || rest == "" {
		return "", ok
	}
	return strings.TrimPrefix(rest, "/"), rest[0] == '/'
}

// The bounds of the paths that are looked at: a realm's name has 128 characters
// at most, and a prefix is no longer.
const (
	maxPathBytes    = 2 << 10
	maxPathSegments = 2*64 + 16
)

// route is where a request goes.
type route struct{ realm, endpoint string }

// find resolves a path and the realm parameter of the query. An endpoint that
// does not exist, a realm that is not there and a /json/authenticate that json
// says is off are not_found errors.
func (r *Routes) find(path, queryRealm string, json func(realm string) bool) (route, error) {
	// Looking for a realm takes a step for each segment.
	if len(path) > maxPathBytes || strings.Count(path, "/") > maxPathSegments {
		return route{}, errNoEndpoint
	}
	// An empty segment must not read as the root realm.
	if strings.Contains(path, "//") {
		return route{}, errNoEndpoint
	}
	if name, ok := r.inserted[path]; ok {
		return route{name, endpointOpenID}, nil
	}
	for _, p := range r.prefixes {
		if rest, ok := below(path, p.prefix+"/oauth2"); ok {
			return p.find(rest, queryRealm, endpoints)
		}
		if rest, ok := below(path, p.prefix+"/json"); ok {
			found, err := p.find(rest, queryRealm, []string{endpointAuthenticate})
			if err == nil && !json(found.realm) {
				return route{}, errNoEndpoint
			}
			return found, err
		}
	}
	return route{}, errNoEndpoint
}

var errNoEndpoint = oauth.NewError(oauth.CodeNotFound, "There is no such endpoint.")

func (p *prefixRoutes) find(rest, queryRealm string, known []string) (route, error) {
	name, endpoint, canonical := splitRealm(rest, known)
	if !slices.Contains(known, endpoint) {
		return route{}, errNoEndpoint
	}
	// The query names a realm in the legacy forms only.
	if queryRealm != "" && !canonical {
		name = "/" + strings.Trim(queryRealm, "/")
	}
	if !p.realms[name] {
		return route{}, realmNotFound(name)
	}
	return route{name, endpoint}, nil
}

// splitRealm reads the realm forms: realms/root[/realms/NAME]…/endpoint
// (canonical), NAME[/NAME]…/endpoint (legacy) and endpoint alone (root).
func splitRealm(rest string, known []string) (name, endpoint string, canonical bool) {
	if after, ok := below(rest, canonicalRealmsPrefix); ok {
		name = ""
		for {
			next, ok := strings.CutPrefix(after, "realms/")
			if !ok {
				break
			}
			segment, remaining, _ := strings.Cut(next, "/")
			name += "/" + segment
			after = remaining
		}
		if name == "" {
			name = "/"
		}
		return name, after, true
	}
	name, endpoint = "/", rest
	for endpoint != "" && !slices.Contains(known, endpoint) {
		segment, remaining, _ := strings.Cut(endpoint, "/")
		name = strings.TrimSuffix(name, "/") + "/" + segment
		endpoint = remaining
	}
	return name, endpoint, false
}

// realmNotFound names the realm only when the name could be one, so that
// nothing else of a stranger's is repeated.
func realmNotFound(name string) error {
	if realm.CheckName(name) != nil {
		return oauth.NewError(oauth.CodeNotFound, "There is no such realm.")
	}
	return oauth.NewError(oauth.CodeNotFound, "Realm '"+name+"' not found")
}
