package importer_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/importer"
)

var update = flag.Bool("update", false, "write the golden files")

type reader func(document []byte) (importer.Result, error)

func documents(t testing.TB) map[string]reader {
	t.Helper()
	found := map[string]reader{}
	for prefix, read := range map[string]reader{"am": importer.AM, "keycloak": importer.Keycloak} {
		names, err := filepath.Glob(filepath.Join("testdata", prefix+"-*.json"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no documents of %s: %v", prefix, err)
		}
		for _, name := range names {
			found[name] = read
		}
	}
	return found
}

// What comes of a document, to the letter: clients, whether their secret came
// along, and every note.
func TestDocumentsOfOtherServers(t *testing.T) {
	for name, read := range documents(t) {
		t.Run(name, func(t *testing.T) {
			document, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			result, err := read(document)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(t, result)
			golden := strings.TrimSuffix(name, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func describe(t *testing.T, result importer.Result) string {
	t.Helper()
	var out strings.Builder
	for _, c := range result.Clients {
		text, err := json.MarshalIndent(c.Registration, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\nsecret %q, disabled %t\n\n", text, c.Secret.Reveal(), c.Disabled)
	}
	for _, note := range result.Notes {
		fmt.Fprintf(&out, "%s: %s: %s\n", note.Client, note.Setting, note.Text)
	}
	return out.String()
}

// Whatever is taken over can be registered in a realm that allows its grants, or
// lacks nothing but redirect URIs that were left out with a note.
func TestWhatIsTakenOverCanBeRegistered(t *testing.T) {
	defaults, err := registration.RealmTokens{Issuer: "https://auth.example.com/oauth2"}.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	realm := registration.Realm{
		Grants: []string{
			oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantImplicit,
			oauth.GrantPassword, oauth.GrantRefreshToken,
		},
		Login: true, Passwords: true,
	}
	for name, read := range documents(t) {
		document, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		result, err := read(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range result.Clients {
			client, err := c.Registration.Resolve(defaults)
			if !client.Public {
				client.Secrets = append(client.Secrets, "digest")
			}
			if err == nil {
				err = registration.Check(&client, realm)
			}
			if err != nil && !strings.Contains(err.Error(), "needs a redirect_uri") && !strings.Contains(err.Error(), "lists no grants") {
				t.Errorf("%s: client %s %v", name, client.ID, err)
			}
		}
	}
}

// What is no export says so, and never what stands in it.
func TestWhatIsNoExportIsRefused(t *testing.T) {
	const secret = "canary-8c1f"
	for _, document := range []string{
		"", "{}", "[]", "null", "7", `"` + secret + `"`, `{"clients":"` + secret + `"}`, `{"result":[]}`, `{"` + secret,
		`{"clients":[{"clientId":7,"secret":"` + secret + `"}]}`, `{"application":{"` + secret + `":7}}`,
		strings.Repeat(" ", importer.MaxDocumentBytes+1),
	} {
		for name, read := range map[string]reader{"AM": importer.AM, "Keycloak": importer.Keycloak} {
			result, err := read([]byte(document))
			if err == nil && len(result.Clients) > 0 {
				t.Errorf("%s takes %.60q", name, document)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error for %.60q repeats it: %v", name, document, err)
			}
		}
	}
}

// FuzzDocuments: no document breaks anything, and what comes of it is bounded by it.
func FuzzDocuments(f *testing.F) {
	for name := range documents(f) {
		document, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, read := range []reader{importer.AM, importer.Keycloak} {
			result, err := read(document)
			if err != nil && len(result.Clients) > 0 {
				t.Error("clients with an error")
			}
			for _, c := range result.Clients {
				for _, uri := range c.Registration.RedirectURIs {
					if oauth.CheckRedirectURI(uri) != nil || strings.Contains(uri, "*") {
						t.Errorf("redirect URI %q was taken over", uri)
					}
				}
				if c.Registration.Public && !c.Secret.Empty() {
					t.Error("a public client has a secret")
				}
			}
		}
	})
}
