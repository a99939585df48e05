package ldap_test

import (
	"errors"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldap"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldaptest"
)

// Operators know people by their usernames, those too who may not sign in.
func TestWhomAUsernameNames(t *testing.T) {
	server := ldaptest.New(t)
	for name, config := range map[string]ldap.Config{"search": searching(server.URL()), "bind": naming(server.URL())} {
		t.Run(name, func(t *testing.T) {
			roll := open(t, config).(login.Roll)
			if id, err := roll.Named(t.Context(), "demo"); err != nil || id != ldaptest.DemoUUID {
				t.Errorf("demo is %q, %v", id, err)
			}
			locked, err := roll.Named(t.Context(), "bob")
			if err != nil || locked == "" {
				t.Fatalf("bob is %q, %v", locked, err)
			}
			for _, username := range []string{"nobody", "", "*", "demo\x00", ldaptest.DemoUUID} {
				if id, err := roll.Named(t.Context(), username); !errors.Is(err, login.ErrNoAccount) {
					t.Errorf("%q is %q, %v", username, id, err)
				}
			}
			for id, want := range map[string]bool{ldaptest.DemoUUID: true, locked: true, "demo": false, "": false, "*": false} {
				if has, err := roll.Has(t.Context(), id); has != want || err != nil {
					t.Errorf("%q is there: %v, %v", id, has, err)
				}
			}
		})
	}
	t.Run("away", func(t *testing.T) {
		roll := open(t, searching("ldap://127.0.0.1:1")).(login.Roll)
		if _, err := roll.Named(t.Context(), "demo"); err == nil || errors.Is(err, login.ErrNoAccount) {
			t.Errorf("demo: %v", err)
		}
		if has, err := roll.Has(t.Context(), ldaptest.DemoUUID); has || err == nil {
			t.Errorf("there: %v, %v", has, err)
		}
	})
}
