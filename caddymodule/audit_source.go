package caddymodule

import (
	"context"
	"net"
	"net/http"
)

// adminContext marks the context of a request to the admin API.
type adminContext struct{}

// byAdmin is a request to the admin API, by whose context audit knows that an
// operator acts, and from where.
func byAdmin(r *http.Request) *http.Request {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = "" // a unix socket has no address
	}
	return r.WithContext(context.WithValue(r.Context(), adminContext{}, source))
}

// adminSource is where an operator acts from; isAdmin says that one does.
func adminSource(ctx context.Context) (source string, isAdmin bool) {
	source, isAdmin = ctx.Value(adminContext{}).(string)
	return source, isAdmin
}
