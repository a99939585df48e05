package introspect

// commonClaims are the claims that most access tokens have.
var commonClaims = [...]string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "azp", "scope", "scp", "sid", "auth_time", "acr", "amr",
	"roles", "groups", "email", "email_verified", "name", "preferred_username", "realm_access", "resource_access", "cnf", "typ",
}

// shareNames lets tokens have the names of common claims from here, and not each
// its own: a cache holds many of them.
func shareNames(claims map[string]any) {
	for _, name := range commonClaims {
		if value, there := claims[name]; there {
			delete(claims, name) // a map keeps the name that it has
			claims[name] = value
		}
	}
}
