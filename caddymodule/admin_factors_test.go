package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// A phone is lost: operators see what a user has, and take it away.
func TestOperatorsListAndRemoveFactors(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	_, err := app.withRealm(t.Context(), "", func(in *realm.Realm) (any, error) {
		frida := store.Account{Service: in.DefaultService, ID: "frida"}
		for _, c := range []store.Credential{
			{Kind: store.CredentialTOTP, ID: "totp", Label: "Phone", Data: "sealed", LastUsed: at, Created: at},
			{Kind: store.CredentialPasskey, ID: "AAAA", Data: `{"backup_eligible":true,"key":"c2VjcmV0"}`, Created: at.Add(time.Second)},
			{Kind: store.CredentialPasskey, ID: "BBBB", Data: "broken", Created: at.Add(2 * time.Second)},
		} {
			c.Realm, c.Account = in.Name, frida
			if err := in.Store.AddCredential(t.Context(), c); err != nil {
				return nil, err
			}
		}
		_, err := in.Factors.NewRecoveryCodes(t.Context(), frida)
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	list := func() factorsAnswer { return mustTell[factorsAnswer](t, listFactors, app, "subject=frida", "") }
	answer := list()
	text, err := json.Marshal(answer)
	if err != nil || strings.Contains(string(text), "sealed") || strings.Contains(string(text), "c2VjcmV0") {
		t.Errorf("%s, %v", text, err)
	}
	if len(answer.Factors) != 3 || answer.RecoveryCodes != 10 || answer.Realm != "/" || answer.Subject != "frida" ||
		answer.Factors[0].Kind != "totp" || answer.Factors[0].Label != "Phone" || answer.Factors[0].LastUsed != at ||
		answer.Factors[1].Kind != "passkey" || !answer.Factors[1].Synced || !answer.Factors[1].LastUsed.IsZero() || answer.Factors[2].Synced {
		t.Errorf("%s", text)
	}
	for query, want := range map[string]int{
		"":                            http.StatusBadRequest,
		"factor=totp":                 http.StatusBadRequest,
		"subject=frida&factor=":       http.StatusBadRequest,
		"subject=frida&factor=%00":    http.StatusBadRequest,
		"subject=frida&factor=CCCC":   http.StatusNotFound,
		"subject=nobody&factor=totp":  http.StatusNotFound,
		"subject=frida&realm=%2Fnone": http.StatusNotFound,
		"subject=" + url.QueryEscape(strings.Repeat("x", maxReachName+1)): http.StatusBadRequest,
	} {
		if _, err := tell(removeFactors, app, query, ""); status(err) != want {
			t.Errorf("%s: %v, want %d", query, err, want)
		}
	}
	if len(list().Factors) != 3 {
		t.Fatal("something is gone")
	}
	remove := func(query string) int { return mustTell[removedFactors](t, removeFactors, app, query, "").Removed }
	if n := remove("subject=frida&factor=totp"); n != 1 || len(list().Factors) != 2 {
		t.Errorf("removed %d", n)
	}
	if n := remove("subject=frida"); n != 12 || len(list().Factors) != 0 || list().RecoveryCodes != 0 {
		t.Errorf("removed %d", n)
	}
	if n := remove("subject=frida"); n != 0 {
		t.Errorf("removed %d", n)
	}
}
