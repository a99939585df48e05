package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// Whatever is typed, the filter has the form of its template and compares with
// what was typed, byte for byte; the DN has the depth of its template and that text
// as the value of its first part.
func FuzzUsernameIsALiteral(f *testing.F) {
	for _, seed := range []string{
		"demo", "", "*", "*)(uid=*", ")(|(uid=*", `\2a`, `\`, "a,b", "a+b=c", " a ", "  ", "#a", "a\x00b", "{dn}", "{username}", "ü", "\xff", `"`, `\,`, "=", ";<>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, username string) {
		packet, err := goldap.CompileFilter(fillFilter("(&(objectClass=person)(uid={username})(member={dn}))", username, "cn="+username))
		if err != nil {
			t.Fatalf("%q: %v", username, err)
		}
		if len(packet.Children) != 3 {
			t.Fatalf("%q gives %d conditions", username, len(packet.Children))
		}
		for i, want := range []string{1: username, 2: "cn=" + username} {
			if i == 0 {
				continue
			}
			equality := packet.Children[i]
			if equality.Tag != goldap.FilterEqualityMatch || len(equality.Children) != 2 || equality.Children[1].Value != want {
				t.Errorf("%q: condition %d is %v", username, i, equality.Children)
			}
		}
		if !acceptable(username) {
			return
		}
		dn, err := goldap.ParseDN(fillDN("uid={username},ou=people,dc=example", username))
		if err != nil {
			t.Fatalf("%q: %v", username, err)
		}
		if len(dn.RDNs) != 3 || len(dn.RDNs[0].Attributes) != 1 || dn.RDNs[0].Attributes[0].Value != username {
			t.Errorf("%q gives %v", username, dn)
		}
	})
}

func TestUsernameAttributeOfATemplate(t *testing.T) {
	for template, want := range map[string]string{
		"(uid={username})": "uid", "(&(objectClass=user)(sAMAccountName={username}))": "sAMAccountName",
		"mail={username},ou=people,dc=example": "mail", "(mail={username}@example.org)": "uid", "uid={username}": "uid",
	} {
		if got := usernameAttribute(template); got != want {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
	}
	if got := parent(`cn=a\,{username},ou=people,dc=example`); got != "ou=people,dc=example" || strings.Contains(got, "username") {
		t.Errorf("parent is %q", got)
	}
}
