package endpoint_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func TestGoldenMetadata(t *testing.T) {
	w := realmtest.New(t)
	answer := get(t, endpoint.Metadata(w.Realm), http.MethodGet)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("answered %d with %v", answer.Code, answer.Header())
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer.Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	realmtest.Golden(t, "metadata.json", indented.String()+"\n")
}

func TestAS56_MetadataIssuerIsTheConfiguredOne(t *testing.T) {
	w := realmtest.New(t)
	for name, issuer := range map[string]string{
		"/":          "https://auth.example.com:8443/am/oauth2",
		"/customers": "http://localhost:8080/oauth2/realms/root/realms/customers",
	} {
		answer := get(t, endpoint.Metadata(w.Open(t, w.Settings(name, issuer))), http.MethodGet)
		if answer.Text("issuer") != issuer || answer.Text("token_endpoint") != issuer+"/access_token" {
			t.Errorf("answered %s", answer.Body)
		}
	}
}

func TestA58_MetadataIgnoresTheRequest(t *testing.T) {
	w := realmtest.New(t)
	want := get(t, endpoint.Metadata(w.Realm), http.MethodGet)
	r := httptest.NewRequest(http.MethodGet, "http://evil.example.com/x?issuer=https://evil.example.com", nil)
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Original-Url"} {
		r.Header.Set(name, "evil.example.com")
	}
	got := realmtest.Do(t, endpoint.Metadata(w.Realm), r)
	if got.Body.String() != want.Body.String() || got.Header().Get("ETag") != want.Header().Get("ETag") {
		t.Errorf("answered %s", got.Body)
	}
}

func TestMetadataTellsWhatTheRealmCan(t *testing.T) {
	w := realmtest.New(t)
	for _, test := range []struct {
		name          string
		grants        []string
		responseTypes []any
		authorize     bool
	}{
		{"code", []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, []any{"code"}, true},
		{"implicit", []string{oauth.GrantImplicit}, []any{"token", "id_token", "id_token token"}, true},
		{"no front channel", []string{oauth.GrantClientCredentials}, []any{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			settings := w.Realm.Settings
			settings.Grants, settings.Clients = test.grants, nil
			document := get(t, endpoint.Metadata(w.Open(t, settings)), http.MethodGet).Document()
			if got, ok := document["response_types_supported"].([]any); !ok || !slices.Equal(got, test.responseTypes) {
				t.Errorf("response types %v", document["response_types_supported"])
			}
			if _, there := document["authorization_endpoint"]; there != test.authorize {
				t.Errorf("authorization_endpoint %v", document["authorization_endpoint"])
			}
			if got, ok := document["grant_types_supported"].([]any); !ok || len(got) != len(test.grants) {
				t.Errorf("grants %v", document["grant_types_supported"])
			}
		})
	}
	t.Run("the algorithms that there are keys for", func(t *testing.T) {
		settings := w.Realm.Settings
		settings.Clients = slices.Clone(settings.Clients)
		settings.Clients[0].IDTokenAlgorithm = oauth.RS256
		document := get(t, endpoint.Metadata(w.Open(t, settings)), http.MethodGet).Document()
		if got, ok := document["id_token_signing_alg_values_supported"].([]any); !ok || !slices.Equal(got, []any{"RS256", "ES256"}) {
			t.Errorf("algorithms %v", document["id_token_signing_alg_values_supported"])
		}
	})
	t.Run("nothing of its clients", func(t *testing.T) {
		text := get(t, endpoint.Metadata(w.Realm), http.MethodGet).Body.String()
		for _, private := range []string{"machine", realmtest.Callback, realmtest.API, "write"} {
			if strings.Contains(text, private) {
				t.Errorf("it tells of %s: %s", private, text)
			}
		}
	})
}

func TestA60_PublicDocumentsAreCacheable(t *testing.T) {
	w := realmtest.New(t)
	for name, public := range map[string]func(*realm.Realm) http.Handler{
		"metadata": endpoint.Metadata, "key set": endpoint.JWKS,
	} {
		t.Run(name, func(t *testing.T) {
			handler := public(w.Realm)
			full := get(t, handler, http.MethodGet)
			etag := full.Header().Get("ETag")
			if full.Code != http.StatusOK || len(etag) < 10 || full.Header().Get("Cache-Control") != "public, max-age=300" ||
				full.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("answered %d with %v", full.Code, full.Header())
			}
			head := get(t, handler, http.MethodHead)
			if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("ETag") != etag ||
				head.Header().Get("Content-Length") != full.Header().Get("Content-Length") {
				t.Errorf("HEAD answered %d with %v", head.Code, head.Header())
			}
			for _, match := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
				same := get(t, handler, http.MethodGet, "If-None-Match", match)
				if same.Code != http.StatusNotModified || same.Body.Len() != 0 || same.Header().Get("ETag") != etag {
					t.Errorf("If-None-Match %s: %d", match, same.Code)
				}
			}
			if other := get(t, handler, http.MethodGet, "If-None-Match", `"other"`); other.Code != http.StatusOK {
				t.Errorf("another ETag: %d", other.Code)
			}
			if again := get(t, handler, http.MethodGet); again.Body.String() != full.Body.String() {
				t.Error("the bytes differ from one answer to the next")
			}
			answer := get(t, handler, http.MethodPost).Want(http.StatusMethodNotAllowed, "method_not_allowed")
			if answer.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow %q", answer.Header().Get("Allow"))
			}
		})
	}
}
