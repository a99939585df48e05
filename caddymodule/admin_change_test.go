package caddymodule_test

import (
	"net/http"
	"testing"
)

// Each change that an operator makes is told once, with what it was made to.
func TestChangesByOperatorsAreAudited(t *testing.T) {
	o := newOperated(t, "audit {\nstore\n}\n"+realmOption, setup{site: "oauth2_server\n", block: "realm /"})
	var made madeClient
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch"), &made)
	o.must(http.MethodPut, "/oauth2/clients/batch", machine("id", "batch", "name", "Batch"), nil)
	o.must(http.MethodPost, "/oauth2/clients/batch/secrets", nil, nil)
	o.must(http.MethodDelete, "/oauth2/clients/batch/secrets/"+made.Secrets[0].ID, nil, nil)
	o.must(http.MethodPut, "/oauth2/realms/switches", map[string]any{"disabled": true}, nil)
	o.must(http.MethodDelete, "/oauth2/clients/batch", nil, nil)
	for event, client := range map[string]string{
		"client_created": "batch", "client_changed": "batch", "client_secret_added": "batch",
		"client_secret_removed": "batch", "client_deleted": "batch", "realm_switched": "",
	} {
		told := o.records("event="+event, 1).Records[0]
		if told.Actor != "admin" || told.Realm != "/" || told.Client != client {
			t.Errorf("%s: %+v", event, told)
		}
	}
}
