package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldaptest"
)

// directoryWorld is a server whose people are in a directory and, some of them, in
// a file, as the documents of ForgeRock AM name such chains.
type directoryWorld struct {
	*process
	realmUnderTest
	directory *ldaptest.Server
}

func newDirectoryWorld(t *testing.T) *directoryWorld {
	t.Helper()
	server := ldaptest.New(t)
	users, err := os.ReadFile(filepath.Join(repository, "docs/example/users.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	home, ports := t.TempDir(), freePorts(t, 2)
	staff := filepath.Join(home, "staff.yaml")
	if err := os.WriteFile(staff, []byte(strings.Replace(string(users), "\n  demo:", "\n  clerk:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	site := fmt.Sprintf("http://localhost:%d", ports[0])
	w := &directoryWorld{directory: server, realmUnderTest: realmUnderTest{site + "/oauth2", site + "/json/realms/root"}}
	w.process = start(t, fmt.Sprintf(`{
	admin localhost:%d
	default_bind 127.0.0.1
	log {
		format oauth2_redact
	}
	oauth2 {
		realm / {
			issuer %s/oauth2
			grants authorization_code password refresh_token
			authentication corp ldap {
				url %s %s
				ca %s
				bind_dn %s
				password {env.LDAP_PASSWORD}
				search {
					base %s
					filter (&(objectClass=inetOrgPerson)(uid={username}))
				}
				claim email mail
				claim name cn
				timeout 10s
				recheck 1ms
			}
			authentication staff file %s
			authentication ldapService chain {
				sufficient corp
				required staff
			}
			authentication Example chain {
				requisite corp
			}
			default_authentication ldapService
			password_authentication ldapService Example
			json_authenticate
			client myClient {
				secret forgerock
				redirect_uri %s
				grants authorization_code password refresh_token
				scopes openid email
				pkce optional
			}
		}
	}
}
http://localhost:%d {
	oauth2_server
}
`, ports[1], site, server.TLS(), server.URL(), server.CA(), ldaptest.Reader, ldaptest.People, staff, redirectURI, ports[0]),
		home, "LDAP_PASSWORD="+ldaptest.ReaderPassword)
	return w
}

// grant asks for tokens and gives status, header and body of the answer.
func (w *directoryWorld) grant(t *testing.T, form url.Values) (int, http.Header, map[string]any) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, w.oauth2+"/access_token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("myClient", "forgerock")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var object map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&object); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, object
}

func (w *directoryWorld) password(t *testing.T, chain, username, password string) (int, http.Header, map[string]any) {
	t.Helper()
	form := url.Values{"grant_type": {"password"}, "username": {username}, "password": {password}, "scope": {"openid email"}}
	if chain != "" {
		form.Set("auth_chain", chain)
	}
	return w.grant(t, form)
}

func (w *directoryWorld) userinfo(t *testing.T, token string) map[string]any {
	t.Helper()
	return curlJSON(t, "--header", "Authorization: Bearer "+token, w.oauth2+"/userinfo")
}

func TestAuthChainsOfADirectory(t *testing.T) {
	w := newDirectoryWorld(t)
	for _, test := range []struct {
		chain, username, password string
		status                    int
		sub, email                string
	}{
		{"", "demo", ldaptest.Password, 200, "corp:" + ldaptest.DemoUUID, "demo@example.org"},
		{"ldapService", "demo", ldaptest.Password, 200, "corp:" + ldaptest.DemoUUID, "demo@example.org"},
		{"Example", "demo", ldaptest.Password, 200, "corp:" + ldaptest.DemoUUID, "demo@example.org"},
		{"ldapService", "clerk", ldaptest.Password, 200, "staff:clerk", "demo@example.com"},
		{"Example", "clerk", ldaptest.Password, 400, "", ""},
		{"ldapService", "demo", "wrong", 400, "", ""},
		{"ldapService", "*", ldaptest.Password, 400, "", ""},
		{"ldapService", "nobody", ldaptest.Password, 400, "", ""},
	} {
		status, _, answer := w.password(t, test.chain, test.username, test.password)
		if status != test.status {
			t.Errorf("%s at %q: status %d %v", test.username, test.chain, status, answer)
			continue
		}
		if status != 200 {
			if answer["error"] != "invalid_grant" {
				t.Errorf("%s at %q: %v", test.username, test.chain, answer)
			}
			continue
		}
		if claims := w.userinfo(t, text(t, answer, "access_token")); claims["sub"] != test.sub || claims["email"] != test.email {
			t.Errorf("%s at %q: %v", test.username, test.chain, claims)
		}
	}
	for _, chain := range []string{"corp", "staff", "other"} {
		if status, _, answer := w.password(t, chain, "demo", ldaptest.Password); status != 400 || answer["error"] != "invalid_request" {
			t.Errorf("auth_chain %s: status %d %v", chain, status, answer)
		}
	}
}

// The session of a chain that is the default is that of its member.
func TestSessionsOfAChain(t *testing.T) {
	w := newDirectoryWorld(t)
	session := signIn(t, w.realmUnderTest)
	status, _, answer := w.grant(t, url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {redirectURI}, "code": {authorizationCode(t, w.realmUnderTest, session)},
	})
	if status != 200 {
		t.Fatalf("status %d %v", status, answer)
	}
	if claims := w.userinfo(t, text(t, answer, "access_token")); claims["sub"] != "corp:"+ldaptest.DemoUUID {
		t.Errorf("userinfo %v", claims)
	}
}

// A directory that is down is no wrong password; who is not there any more gets no
// more tokens (AS42).
func TestADirectoryThatIsDown(t *testing.T) {
	w := newDirectoryWorld(t)
	_, _, answer := w.password(t, "ldapService", "demo", ldaptest.Password)
	refresh := func() (int, http.Header, map[string]any) {
		return w.grant(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(t, answer, "refresh_token")}})
	}
	w.directory.Stop()
	for what, ask := range map[string]func() (int, http.Header, map[string]any){
		"a sign-in": func() (int, http.Header, map[string]any) {
			return w.password(t, "ldapService", "demo", ldaptest.Password)
		},
		"a wrong password": func() (int, http.Header, map[string]any) { return w.password(t, "Example", "demo", "wrong") },
		"a refresh":        refresh,
	} {
		if status, header, answer := ask(); status != 503 || header.Get("Retry-After") == "" {
			t.Errorf("%s while the directory is down: status %d, Retry-After %q, %v", what, status, header.Get("Retry-After"), answer)
		}
	}
	if status, _, answer := w.password(t, "ldapService", "clerk", ldaptest.Password); status != 200 {
		t.Errorf("who is in the file, while the directory is down: status %d %v", status, answer)
	}
	w.directory.Start()
	status, _, again := refresh()
	if status != 200 {
		t.Fatalf("a refresh after the directory is back: status %d %v", status, again)
	}
	answer = again
	w.directory.Change("dn: uid=demo," + ldaptest.People + "\nchangetype: delete\n")
	for deadline := time.Now().Add(time.Minute); ; {
		status, _, again := refresh()
		if status == 400 && again["error"] == "invalid_grant" {
			return
		}
		if status != 200 || time.Now().After(deadline) {
			t.Fatalf("a refresh of who is not there any more: status %d %v", status, again)
		}
		answer = again
	}
}
