package caddymodule

import "net/http"

// note counts a decision and puts it into the access log.
func (b *BearerAuth) note(_ *http.Request, v verdict) {
	observeRequest(v.issuer, v.decision(), v.reason())
}
