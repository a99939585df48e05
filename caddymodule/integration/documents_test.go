package integration

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// curl runs the real curl and gives what it prints.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("curl", append([]string{"--silent", "--show-error", "--max-time", "20"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// curlJSON is curl for answers that are JSON objects.
func curlJSON(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out := curl(t, args...)
	var object map[string]any
	if err := json.Unmarshal([]byte(out), &object); err != nil {
		t.Fatalf("curl %s printed no JSON object: %s", strings.Join(args, " "), out)
	}
	return object
}

func text(t *testing.T, object map[string]any, name string) string {
	t.Helper()
	value, ok := object[name].(string)
	if !ok || value == "" {
		t.Fatalf("no %s in %v", name, object)
	}
	return value
}

// members says which members a token answer has, sorted.
func members(object map[string]any) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// call asks an API with a token and gives status and body.
func call(t *testing.T, address, token string) (status string, body string) {
	t.Helper()
	out := curl(t, "--header", "Authorization: Bearer "+token, "--write-out", "\n%{http_code}", address)
	at := strings.LastIndex(out, "\n")
	return out[at+1:], out[:at]
}

func wantIdentity(t *testing.T, address, token, subject, scope string) {
	t.Helper()
	status, body := call(t, address, token)
	var identity map[string]string
	if err := json.Unmarshal([]byte(body), &identity); status != "200" || err != nil {
		t.Fatalf("%s: status %s: %s", address, status, body)
	}
	want := map[string]string{"subject": subject, "client_id": "myClient", "scope": scope}
	for name, value := range want {
		if identity[name] != value {
			t.Errorf("%s: %s is %q, want %q", address, name, identity[name], value)
		}
	}
}

func wantStatus(t *testing.T, address, token, want string) {
	t.Helper()
	if status, body := call(t, address, token); status != want {
		t.Fatalf("%s: status %s, want %s: %s", address, status, want, body)
	}
}

// realmUnderTest is one of the two realms of the documents.
type realmUnderTest struct{ oauth2, json string }

func (w *world) documentRealms() map[string]realmUnderTest {
	return map[string]realmUnderTest{
		"root":      {w.auth + "/oauth2", w.auth + "/json/realms/root"},
		"customers": {w.auth + "/oauth2/realms/root/realms/customers", w.auth + "/json/realms/root/realms/customers"},
	}
}

const redirectURI = "https://www.example.com:443/callback"

// signIn is the authenticate command of the refresh token document.
func signIn(t *testing.T, r realmUnderTest) string {
	t.Helper()
	answer := curlJSON(t,
		"--request", "POST",
		"--header", "Content-Type: application/json",
		"--header", "X-OpenAM-Username: demo",
		"--header", "X-OpenAM-Password: Ch4ng31t",
		"--header", "Accept-API-Version: resource=2.0, protocol=1.0",
		r.json+"/authenticate")
	return text(t, answer, "tokenId")
}

// authorizationCode is the document's way from a session to a code.
func authorizationCode(t *testing.T, r realmUnderTest, tokenID string) string {
	t.Helper()
	head := curl(t,
		"--dump-header", "-", "--output", "/dev/null",
		"--request", "POST",
		"--cookie", "iPlanetDirectoryPro="+tokenID,
		"--data", "scope=openid",
		"--data", "response_type=code",
		"--data", "client_id=myClient",
		"--data", "csrf="+tokenID,
		"--data", "redirect_uri="+redirectURI,
		"--data", "state=abc123",
		"--data", "decision=allow",
		r.oauth2+"/authorize")
	location := regexp.MustCompile(`(?mi)^location: (\S+)`).FindStringSubmatch(head)
	if location == nil {
		t.Fatalf("no redirect:\n%s", head)
	}
	u, err := url.Parse(location[1])
	if err != nil || !strings.HasPrefix(location[1], redirectURI+"?") {
		t.Fatalf("redirected to %s", location[1])
	}
	query := u.Query()
	if query.Get("state") != "abc123" || query.Get("iss") != r.oauth2 || query.Get("code") == "" {
		t.Fatalf("redirected with %v", query)
	}
	return query.Get("code")
}

func TestEveryCommandOfTheDocuments(t *testing.T) {
	w := startExample(t)
	for name, r := range w.documentRealms() {
		t.Run(name, func(t *testing.T) {
			t.Run("client credentials", func(t *testing.T) {
				answer := curlJSON(t,
					"--request", "POST",
					"--user", "myClient:forgerock",
					"--data", "grant_type=client_credentials",
					"--data", "scope=write",
					r.oauth2+"/access_token")
				if got := members(answer); !slices.Equal(got, []string{"access_token", "expires_in", "scope", "token_type"}) {
					t.Errorf("the answer has %v", got)
				}
				wantTokenAnswer(t, answer, "write")
				token := text(t, answer, "access_token")
				wantIdentity(t, w.api+"/", token, "myClient", "write")
				wantIdentity(t, w.api+"/write/down", token, "myClient", "write")
			})

			t.Run("password", func(t *testing.T) {
				answer := curlJSON(t,
					"--request", "POST",
					"--data", "grant_type=password",
					"--data", "username=demo",
					"--data", "password=Ch4ng31t",
					"--data", "scope=write",
					"--data", "client_id=myClient",
					"--data", "client_secret=forgerock",
					r.oauth2+"/access_token")
				wantTokenAnswer(t, answer, "write")
				wantIdentity(t, w.api+"/write", text(t, answer, "access_token"), "demo", "write")
			})

			t.Run("code and refresh", func(t *testing.T) {
				code := authorizationCode(t, r, signIn(t, r))
				exchanged := curlJSON(t,
					"--request", "POST",
					"--user", "myClient:forgerock",
					"--data", "grant_type=authorization_code",
					"--data", "code="+code,
					"--data", "redirect_uri="+redirectURI,
					r.oauth2+"/access_token")
				wantTokenAnswer(t, exchanged, "openid")
				text(t, exchanged, "id_token")
				wantIdentity(t, w.api+"/", text(t, exchanged, "access_token"), "demo", "openid")
				wantStatus(t, w.api+"/write", text(t, exchanged, "access_token"), "403")

				refreshed := curlJSON(t,
					"--request", "POST",
					"--data", "grant_type=refresh_token",
					"--data", "refresh_token="+text(t, exchanged, "refresh_token"),
					"--data", "client_id=myClient",
					"--data", "client_secret=forgerock",
					"--data", "scope=openid",
					r.oauth2+"/access_token")
				wantTokenAnswer(t, refreshed, "openid")
				text(t, refreshed, "id_token")
				if text(t, refreshed, "refresh_token") == text(t, exchanged, "refresh_token") {
					t.Error("the refresh token did not change")
				}
				wantIdentity(t, w.api+"/", text(t, refreshed, "access_token"), "demo", "openid")

				// The overview's command: one header, one body.
				again := curlJSON(t,
					"--location", "--request", "POST", r.oauth2+"/access_token",
					"--header", "Content-Type: application/x-www-form-urlencoded",
					"--header", "Authorization: Basic bXlDbGllbnQ6Zm9yZ2Vyb2Nr",
					"--data", "grant_type=refresh_token&refresh_token="+text(t, refreshed, "refresh_token"))
				if got := members(again); !slices.Equal(got, []string{"access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"}) {
					t.Errorf("the answer has %v", got)
				}
			})
		})
	}
}

func wantTokenAnswer(t *testing.T, answer map[string]any, scope string) {
	t.Helper()
	lifetime, _ := answer["expires_in"].(float64)
	if answer["token_type"] != "Bearer" || answer["scope"] != scope || lifetime < 3590 || lifetime > 3600 {
		t.Errorf("token_type %v, scope %v, expires_in %v", answer["token_type"], answer["scope"], answer["expires_in"])
	}
}

// passwordTokens gets an access and a refresh token by the password grant.
func passwordTokens(t *testing.T, r realmUnderTest) (access, refresh string) {
	t.Helper()
	answer := curlJSON(t, "--user", "myClient:forgerock", "--data", "grant_type=password",
		"--data", "username=demo", "--data", "password=Ch4ng31t", "--data", "scope=write", r.oauth2+"/access_token")
	return text(t, answer, "access_token"), text(t, answer, "refresh_token")
}

func TestRevocationHoldsOnTheNextRequestAndAfterARestart(t *testing.T) {
	w := startExample(t)
	for name, r := range w.documentRealms() {
		t.Run(name, func(t *testing.T) {
			byAccess, _ := passwordTokens(t, r)
			byRefresh, refresh := passwordTokens(t, r)
			alive, _ := passwordTokens(t, r)
			// Twice: the second call finds the verdict in the cache.
			for range 2 {
				wantIdentity(t, w.api+"/write", byAccess, "demo", "write")
				wantIdentity(t, w.api+"/write", byRefresh, "demo", "write")
			}
			for _, token := range []string{byAccess, refresh} {
				curlJSON(t, "--user", "myClient:forgerock", "--data", "token="+token, r.oauth2+"/token/revoke")
			}
			check := func(t *testing.T) {
				t.Helper()
				wantStatus(t, w.api+"/write", byAccess, "401")
				wantStatus(t, w.api+"/write", byRefresh, "401")
				wantIdentity(t, w.api+"/write", alive, "demo", "write")
				answer := curlJSON(t, "--user", "myClient:forgerock", "--data", "grant_type=refresh_token",
					"--data", "refresh_token="+refresh, r.oauth2+"/access_token")
				if answer["error"] != "invalid_grant" {
					t.Errorf("refreshing with a revoked token: %v", answer)
				}
			}
			check(t)
			w.restart()
			check(t)
		})
	}
}

func TestAS57_ATokenOfOneRealmIsRefusedByTheOther(t *testing.T) {
	w := startExample(t)
	realms := w.documentRealms()
	rootToken, rootRefresh := passwordTokens(t, realms["root"])
	customersToken, _ := passwordTokens(t, realms["customers"])

	wantIdentity(t, w.customersAPI+"/", customersToken, "demo", "write")
	wantStatus(t, w.customersAPI+"/", rootToken, "401")

	other := realms["customers"]
	if answer := curlJSON(t, "--user", "myClient:forgerock", "--data", "token="+rootToken, other.oauth2+"/introspect"); len(answer) != 1 || answer["active"] != false {
		t.Errorf("introspection at the other realm: %v", answer)
	}
	wantStatus(t, other.oauth2+"/userinfo", rootToken, "401")
	if answer := curlJSON(t, "--user", "myClient:forgerock", "--data", "grant_type=refresh_token", "--data", "refresh_token="+rootRefresh, other.oauth2+"/access_token"); answer["error"] != "invalid_grant" {
		t.Errorf("refresh at the other realm: %v", answer)
	}
	curlJSON(t, "--user", "myClient:forgerock", "--data", "token="+rootRefresh, other.oauth2+"/token/revoke")
	wantIdentity(t, w.api+"/", rootToken, "demo", "write")

	// A session of one realm is none in the other.
	session := signIn(t, realms["root"])
	head := curl(t, "--dump-header", "-", "--output", "/dev/null", "--cookie", "iPlanetDirectoryPro="+session,
		"--data", "scope=openid", "--data", "response_type=code", "--data", "client_id=myClient", "--data", "csrf="+session,
		"--data", "redirect_uri="+redirectURI, "--data", "decision=allow", other.oauth2+"/authorize")
	if strings.Contains(head, "code=") {
		t.Errorf("a session of the root realm gave a code of realm /customers:\n%s", head)
	}
}
