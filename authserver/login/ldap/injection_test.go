package ldap_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldap"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldaptest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// peculiar are names that somebody may have.
var peculiar = []string{
	"*", "(", ")", `\`, ",", "#", "#lead", "+", "<", ">", ";", `"`, "=", "a=b", "uid=demo", `a\,b`, "a,b", "a+b=c", "tail ", " lead", `tail\`,
	"*)(uid=*", ")(|(uid=*", "demo)(objectClass=*", "de*mo", `\2a`, `demo\00`, "{dn}", "{username}", "grüße", "日本語", "🙂", "ſ",
	"O'Brien", "a/b", "a&b", "a|b", "!a", "demo,ou=people,dc=example,dc=org", "x,dc=example,dc=org",
}

// Each signs in under their own name and is nobody else.
func TestNamesAreLiterals(t *testing.T) {
	var ldif strings.Builder
	for i, name := range peculiar {
		uid := base64.StdEncoding.EncodeToString([]byte(name))
		dn := base64.StdEncoding.EncodeToString([]byte(ldap.FillDN("uid={username},"+ldaptest.People, name)))
		_, _ = fmt.Fprintf(&ldif, "\ndn:: %s\nobjectClass: inetOrgPerson\nuid:: %s\ncn: %d\nsn: x\nuserPassword: secret-%d\n", dn, uid, i, i)
	}
	server := ldaptest.New(t, ldif.String())
	for way, config := range map[string]ldap.Config{"search": searching(server.URL()), "bind": naming(server.URL())} {
		t.Run(way, func(t *testing.T) {
			service := open(t, config)
			for i, name := range peculiar {
				account, err := authenticate(t, service, name, fmt.Sprintf("secret-%d", i))
				if err != nil {
					t.Errorf("%q: %v", name, err)
					continue
				}
				if account.Claims["name"] != fmt.Sprint(i) {
					t.Errorf("%q is signed in as %v", name, account.Claims)
				}
			}
		})
	}
}

// None of these finds anybody, whatever the password.
func TestInjectionFindsNobody(t *testing.T) {
	server := ldaptest.New(t)
	for way, config := range map[string]ldap.Config{"search": searching(server.URL()), "bind": naming(server.URL())} {
		t.Run(way, func(t *testing.T) {
			service := open(t, config)
			for _, name := range append(peculiar, "demo\x00", "\x00", "demo\n", "cn=reader,"+ldaptest.Base, ldaptest.Reader) {
				for _, password := range []string{ldaptest.Password, ldaptest.ReaderPassword, "*"} {
					_, err := service.Authenticate(t.Context(), name, oauth.NewSecret(password))
					if !errors.Is(err, login.ErrCredentials) || errors.As(err, new(*login.Refused)) {
						t.Errorf("%q: %v", name, err)
					}
				}
			}
		})
	}
}
