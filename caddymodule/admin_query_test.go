package caddymodule_test

import (
	"net/http"
	"testing"
)

// A parameter that is misspelt would have a call mean another realm, another
// version, or all of what it was to choose from.
func TestTheAdminAPIKnowsItsParameters(t *testing.T) {
	o := newRegistry(t)
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch"), nil)
	for _, row := range []struct{ method, path, want string }{
		{http.MethodDelete, "/oauth2/clients/batch?relam=/customers", "there are the parameters realm, version"},
		{http.MethodDelete, "/oauth2/clients/batch?Realm=/customers", "there are the parameters realm, version"},
		{http.MethodDelete, "/oauth2/clients/batch?realm=/&realm=/customers", "each parameter stands once"},
		{http.MethodDelete, "/oauth2/clients/batch?realm=%zz", "percent-encoded"},
		{http.MethodDelete, "/oauth2/clients/batch?version=7;realm=/", "percent-encoded"},
		{http.MethodDelete, "/oauth2/consents?subject=frida&cilent=batch", "there are the parameters realm, subject, username, client"},
		{http.MethodPost, "/oauth2/tokens/revoke?realm=/customers", "stands in the body"},
		{http.MethodPost, "/oauth2/keys/rotate?now=true", "there are the parameters realm"},
		{http.MethodPost, "/oauth2/keys/rewrap?realm=/", "no parameters"},
		{http.MethodPut, "/oauth2/realms/switches?revision=3", "there are the parameters realm, version"},
		{http.MethodGet, "/oauth2/grants?user=frida", "there are the parameters realm, subject"},
		{http.MethodGet, "/oauth2/backup?realm=/customers", "no parameters"},
	} {
		o.mustRefuse(row.method, row.path, map[string]string{"subject": "batch"}, http.StatusBadRequest, row.want)
	}
	o.must(http.MethodGet, "/oauth2/clients/batch?realm=/", nil, nil)
	o.must(http.MethodGet, "/oauth2/clients/batch?", nil, nil)
}
