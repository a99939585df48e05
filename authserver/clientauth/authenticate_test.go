package clientauth_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/clientauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// dearDigest is dearer to check than any of the world's.
const dearDigest store.SecretDigest = "$2a$06$xqTBcANVcLPZosjSIBmnVe4iruapqIsP5MGnp.9EJokiRiJZhBa0u"

// slowDigest is of "Ch4ng31t", made by caddy hash-password --bcrypt-cost 4.
const slowDigest store.SecretDigest = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"

// registry has clients by id, and the name of the one that is a decoy.
type registry struct {
	clients map[string]*store.Client
	decoy   string
	used    []store.SecretDigest
}

func (r *registry) Client(id string) (*store.Client, bool) {
	client, ok := r.clients[id]
	return client, ok
}

func (r *registry) Decoy() []store.SecretDigest {
	if client := r.clients[r.decoy]; client != nil {
		return client.Secrets
	}
	return nil
}

func (r *registry) Used(_ *store.Client, digest store.SecretDigest) { r.used = append(r.used, digest) }

type world struct {
	hasher  *hashing.Hasher
	clients *registry
	auth    *clientauth.Authenticator
}

// newWorld has one client of each sort.
func newWorld(decoy string) world {
	h := hashing.New()
	digest := func(secret string) []store.SecretDigest {
		return []store.SecretDigest{h.Digest(oauth.NewSecret(secret))}
	}
	clients := &registry{clients: map[string]*store.Client{}, decoy: decoy}
	for _, client := range []store.Client{
		{ID: "web", Secrets: digest("forgerock")},
		{ID: "spa", Public: true},
		{ID: "rotating", Secrets: append(digest("old secret"), digest("new secret")...)},
		{ID: "slow", Secrets: []store.SecretDigest{slowDigest}},
		{ID: "pinned-basic", Secrets: digest("s"), AuthMethod: oauth.AuthMethodBasic},
		{ID: "pinned-post", Secrets: digest("s"), AuthMethod: oauth.AuthMethodPost},
		{ID: "pinned-jwt", Secrets: digest("s"), AuthMethod: "private_key_jwt"},
		{ID: "a:b", Secrets: digest("c:d")},
		{ID: "plus+percent%", Secrets: digest("50% + 50%")},
		{ID: "unicode", Secrets: digest("grüße")},
		{ID: "unset", Secrets: digest("")},
	} {
		clients.clients[client.ID] = &client
	}
	return world{hasher: h, clients: clients, auth: clientauth.New(clients, h)}
}

func basic(credentials string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}}
}

func (w world) authenticate(t *testing.T, header http.Header, body string) (*store.Client, error) {
	t.Helper()
	form, err := oauth.ParseForm(body)
	if err != nil {
		t.Fatalf("form %q: %v", body, err)
	}
	return w.auth.Authenticate(t.Context(), header, form)
}

// check runs one row: want is the client's id, or the error code.
func (w world) check(t *testing.T, header http.Header, body, want string) {
	t.Helper()
	client, err := w.authenticate(t, header, body)
	got := ""
	if err == nil {
		got = client.ID
	} else {
		e := protocolError(t, err)
		got = e.Code
		if (e.Code == oauth.CodeInvalidClient) != (e.Status == http.StatusUnauthorized) {
			t.Errorf("%s with status %d", e.Code, e.Status)
		}
		if (e.Status == http.StatusUnauthorized) != strings.HasPrefix(e.Challenge, "Basic realm=") {
			t.Errorf("status %d with challenge %q", e.Status, e.Challenge)
		}
	}
	if got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

func protocolError(t *testing.T, err error) *oauth.Error {
	t.Helper()
	var e *oauth.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a protocol error", err)
	}
	return e
}

type row struct {
	name   string
	header http.Header
	body   string
	want   string
}

func (w world) table(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) { w.check(t, r.header, r.body, r.want) })
	}
}

func TestMethods(t *testing.T) {
	newWorld("").table(t, []row{
		{"basic", basic("web:forgerock"), "", "web"},
		{"basic, scheme in lower case", http.Header{"Authorization": {"basic d2ViOmZvcmdlcm9jaw=="}}, "", "web"},
		{"basic, wrong secret", basic("web:wrong"), "", "invalid_client"},
		{"basic, unknown client", basic("nobody:forgerock"), "", "invalid_client"},
		{"basic with a hashed secret", basic("slow:Ch4ng31t"), "", "slow"},
		{"post", nil, "client_id=web&client_secret=forgerock", "web"},
		{"post, wrong secret", nil, "client_id=web&client_secret=wrong", "invalid_client"},
		{"post, unknown client", nil, "client_id=nobody&client_secret=forgerock", "invalid_client"},
		{"post without client_id", nil, "client_secret=forgerock", "invalid_request"},
		{"none", nil, "client_id=spa", "spa"},
		{"none, unknown client", nil, "client_id=nobody", "invalid_client"},
		{"nothing at all", nil, "grant_type=client_credentials", "invalid_client"},
		{"an endless id", nil, "client_id=" + strings.Repeat("a", 5000), "invalid_client"},
	})
}

func TestCL2_PublicClientHasNoSecret(t *testing.T) {
	newWorld("").table(t, []row{
		{"names itself", nil, "client_id=spa", "spa"},
		{"sends a secret in the body", nil, "client_id=spa&client_secret=guess", "invalid_client"},
		{"sends a secret by basic", basic("spa:guess"), "", "invalid_client"},
		{"sends an empty secret by basic", basic("spa:"), "", "invalid_client"},
		{"sends an empty secret in the body, which is none", nil, "client_id=spa&client_secret=", "spa"},
	})
}

func TestCL3_ConfidentialClientMustAuthenticate(t *testing.T) {
	newWorld("").table(t, []row{
		{"names itself only", nil, "client_id=web", "invalid_client"},
		{"empty secret in the body", nil, "client_id=web&client_secret=", "invalid_client"},
		{"empty secret by basic", basic("web:"), "", "invalid_client"},
		{"empty secret against a secret that was configured empty", basic("unset:"), "", "invalid_client"},
	})
}

func TestCL4_TwoSecretsForRotation(t *testing.T) {
	w := newWorld("")
	for _, test := range []struct{ secret, want string }{
		{"old secret", "rotating"}, {"new secret", "rotating"}, {"older secret", "invalid_client"},
	} {
		before := w.hasher.Calls(hashing.Fast)
		w.check(t, nil, url.Values{"client_id": {"rotating"}, "client_secret": {test.secret}}.Encode(), test.want)
		if n := w.hasher.Calls(hashing.Fast) - before; n != 2 {
			t.Errorf("%s: %d hashes computed, want 2 whichever matches", test.secret, n)
		}
	}
}

func TestCL5_TheSecretThatWasUsedIsTold(t *testing.T) {
	w := newWorld("")
	for _, secret := range []string{"new secret", "wrong", "old secret"} {
		_, _ = w.authenticate(t, basic("rotating:"+url.QueryEscape(secret)), "")
	}
	secrets := w.clients.clients["rotating"].Secrets
	if want := []store.SecretDigest{secrets[1], secrets[0]}; !slices.Equal(w.clients.used, want) {
		t.Errorf("told of %v, want %v", w.clients.used, want)
	}
}

func TestAS21_A26_OneMethodARequest(t *testing.T) {
	right := basic("web:forgerock")
	newWorld("").table(t, []row{
		{"basic and post", right, "client_id=web&client_secret=forgerock", "invalid_request"},
		{"basic and a secret without id", right, "client_secret=forgerock", "invalid_request"},
		{"basic and an assertion", right, "client_assertion=a.b.c", "invalid_request"},
		{"basic and an assertion type", right, "client_assertion_type=urn", "invalid_request"},
		{"post and an assertion", nil, "client_id=web&client_secret=forgerock&client_assertion=a.b.c", "invalid_request"},
		{"an assertion alone", nil, "client_id=web&client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer", "invalid_client"},
		{"two Authorization headers", http.Header{"Authorization": append(right["Authorization"], right["Authorization"]...)}, "", "invalid_request"},
		{"basic and bearer", http.Header{"Authorization": {"Bearer abc", right["Authorization"][0]}}, "", "invalid_request"},
		{"another scheme", http.Header{"Authorization": {"Bearer abc"}}, "client_id=spa", "invalid_client"},
		{"an empty header", http.Header{"Authorization": {""}}, "client_id=spa", "invalid_client"},
	})
}

func TestA29_BodyMayNotContradictBasic(t *testing.T) {
	right := basic("web:forgerock")
	newWorld("").table(t, []row{
		{"same client_id", right, "client_id=web", "web"},
		{"other client_id", right, "client_id=slow", "invalid_client"},
		{"client_id in other case", right, "client_id=Web", "invalid_client"},
		{"empty client_id, which is none", right, "client_id=", "web"},
	})
}

func TestAS21_A27_BasicIsDecodedStrictly(t *testing.T) {
	raw := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	newWorld("").table(t, []row{
		{"encoded percent, plus and space", basic("plus%2Bpercent%25:50%25+%2B+50%25"), "", "plus+percent%"},
		{"percent not encoded", basic("plus%2Bpercent%25:50% + 50%"), "", "invalid_client"},
		{"plus not encoded", basic("plus+percent%25:50%25+%2B+50%25"), "", "invalid_client"},
		{"encoded colons", basic("a%3Ab:c%3Ad"), "", "a:b"},
		{"colon in the secret as it is", basic("a%3Ab:c:d"), "", "a:b"},
		{"colon in the id as it is", basic("a:b:c:d"), "", "invalid_client"},
		{"UTF-8 encoded", basic("unicode:gr%C3%BC%C3%9Fe"), "", "unicode"},
		{"UTF-8 as it is", basic("unicode:grüße"), "", "unicode"},
		{"Latin-1", basic("unicode:gr\xfc\xdfe"), "", "invalid_client"},
		{"NUL", basic("web:forgerock%00"), "", "invalid_client"},
		{"no colon", basic("web"), "", "invalid_client"},
		{"no id", basic(":forgerock"), "", "invalid_client"},
		{"bad base64", raw("Basic d2Vi!"), "", "invalid_client"},
		{"base64 without padding", raw("Basic d2ViOmZvcmdlcm9jaw"), "", "invalid_client"},
		{"base64url alphabet", raw("Basic d2ViOmZvcmdlcm9ja_-="), "", "invalid_client"},
		{"a line break", raw("Basic d2Vi\nOmZvcmdlcm9jaw=="), "", "invalid_client"},
		{"nothing behind the scheme", raw("Basic"), "", "invalid_client"},
		{"far too long", basic("web:" + strings.Repeat("a", oauth.MaxCredentialBytes)), "", "invalid_client"},
	})
}

func TestA28_PinnedMethodHolds(t *testing.T) {
	w := newWorld("")
	w.table(t, []row{
		{"basic where basic is pinned", basic("pinned-basic:s"), "", "pinned-basic"},
		{"post where basic is pinned", nil, "client_id=pinned-basic&client_secret=s", "invalid_client"},
		{"post where post is pinned", nil, "client_id=pinned-post&client_secret=s", "pinned-post"},
		{"basic where post is pinned", basic("pinned-post:s"), "", "invalid_client"},
		{"basic where an assertion is pinned", basic("pinned-jwt:s"), "", "invalid_client"},
		{"post where an assertion is pinned", nil, "client_id=pinned-jwt&client_secret=s", "invalid_client"},
	})
	told := func(secret string) string {
		_, err := w.authenticate(t, basic("pinned-post:"+secret), "")
		return protocolError(t, err).Description
	}
	if text := told("s"); !strings.Contains(text, "client_secret_post") {
		t.Errorf("the client itself is told %q, not which method to use", text)
	}
	if text := told("wrong"); strings.Contains(text, "client_secret_post") {
		t.Errorf("a stranger is told %q", text)
	}
}

// Unknown clients look and cost like known ones with a wrong secret.
func TestAS22_A32_UnknownClientCostsTheSame(t *testing.T) {
	for name, kind := range map[string]hashing.Kind{"web": hashing.Fast, "slow": hashing.Bcrypt, "rotating": hashing.Fast} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(name)
			// What is dear elsewhere in the process changes nothing.
			if _, err := w.hasher.Check(dearDigest); err != nil {
				t.Fatal(err)
			}
			cost := func(id string) (calls [3]int64, answer oauth.Error) {
				for kind := range calls {
					calls[kind] = -w.hasher.Calls(hashing.Kind(kind))
				}
				for _, send := range []struct {
					header http.Header
					body   string
				}{{basic(id + ":wrong"), ""}, {nil, "client_secret=wrong&client_id=" + id}} {
					_, err := w.authenticate(t, send.header, send.body)
					answer = *protocolError(t, err).WithCause(nil)
				}
				for kind := range calls {
					calls[kind] += w.hasher.Calls(hashing.Kind(kind))
				}
				return calls, answer
			}
			wantCalls, wantAnswer := cost(name)
			if want := 2 * int64(len(w.clients.clients[name].Secrets)); wantCalls[kind] != want {
				t.Fatalf("two wrong secrets made calls %v", wantCalls)
			}
			for _, id := range []string{"nobody", "spa"} {
				calls, answer := cost(id)
				if calls != wantCalls {
					t.Errorf("%s made calls %v, a wrong secret %v", id, calls, wantCalls)
				}
				if answer != wantAnswer {
					t.Errorf("%s is told %v, a wrong secret %v", id, answer, wantAnswer)
				}
			}
		})
	}
}

// Who holds the very secret that is the decoy learns nothing by it either: it is
// remembered for its own client alone.
func TestAS22_AnUnknownClientCostsTheSameToWhoHoldsTheDecoy(t *testing.T) {
	w := newWorld("slow")
	cost := func(id string) int64 {
		before := w.hasher.Calls(hashing.Bcrypt)
		_, _ = w.authenticate(t, basic(id+":Ch4ng31t"), "")
		return w.hasher.Calls(hashing.Bcrypt) - before
	}
	for i, want := range []int64{1, 0, 0} { // its own is remembered
		if n := cost("slow"); n != want {
			t.Fatalf("try %d made %d slow hashes, want %d", i, n, want)
		}
	}
	for _, id := range []string{"nobody", "spa", "nobody"} {
		if n := cost(id); n != 1 {
			t.Errorf("%s made %d slow hashes, a client that is there makes 1", id, n)
		}
	}
}

// A hash that cannot be computed is no verdict on the client.
func TestFaultIsNotTheClients(t *testing.T) {
	h := hashing.New()
	broken := &registry{clients: map[string]*store.Client{"web": {ID: "web", Secrets: []store.SecretDigest{"$2a$99$"}}}}
	form, err := oauth.ParseForm("client_id=web&client_secret=x")
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientauth.New(broken, h).Authenticate(t.Context(), nil, form)
	if client != nil || err == nil || oauth.AsError(err).Status != http.StatusServiceUnavailable {
		t.Errorf("got %v, %v, want 503", client, err)
	}
}

func FuzzAuthenticate(f *testing.F) {
	for _, seed := range [][2]string{
		{"Basic d2ViOmZvcmdlcm9jaw==", ""},
		{"Basic d2ViOmZvcmdlcm9jaw==", "client_id=web"},
		{"Basic d2ViOndyb25n", "client_id=spa"},
		{"", "client_id=spa"},
		{"", "client_id=web&client_secret=forgerock"},
		{"Bearer x", "client_assertion=a.b.c"},
		{"basic  Og==", "client_secret=%00"},
	} {
		f.Add(seed[0], seed[1])
	}
	w := newWorld("")
	f.Fuzz(func(t *testing.T, authorization, body string) {
		form, err := oauth.ParseForm(body)
		if err != nil {
			return
		}
		header := http.Header{}
		if authorization != "" {
			header.Set("Authorization", authorization)
		}
		client, err := w.auth.Authenticate(t.Context(), header, form)
		if err != nil {
			if e := protocolError(t, err); client != nil || e.Status != 400 && e.Status != 401 {
				t.Errorf("%v with status %d", client, e.Status)
			}
			return
		}
		_, secret, _, _ := oauth.ParseBasic(authorization)
		if secret.Empty() {
			secret = form.Secret("client_secret")
		}
		if client.Public != secret.Empty() {
			t.Errorf("client %q came through with Authorization %q and body %q", client.ID, authorization, body)
		}
		if client.ID == "web" && secret.Reveal() != "forgerock" {
			t.Errorf("client web came through with Authorization %q and body %q", authorization, body)
		}
	})
}
