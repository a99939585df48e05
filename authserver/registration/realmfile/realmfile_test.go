package realmfile_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/realmfile"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func anyDigest(store.SecretDigest) error { return nil }

func newID() string { return "made" }

// A client comes out of a document as it went in; only digests that are good
// elsewhere go in.
func TestClientsGoThereAndBack(t *testing.T) {
	row := store.StoredClient{
		ID: "web", Registration: `{"id":"web","grants":["client_credentials"]}`, Created: now.Add(-time.Hour),
		Secrets: []store.StoredSecret{
			{ID: "a", Digest: "$sha256$x", Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)},
			{ID: "b", Digest: "$hmac-sha256$x", Created: now},
		},
	}
	text, err := json.Marshal(realmfile.Document{
		Format: realmfile.Format, Version: realmfile.Version,
		Clients: []realmfile.Client{realmfile.ClientOf(row, func(d store.SecretDigest) bool { return strings.HasPrefix(string(d), "$sha256$") })},
	})
	if err != nil {
		t.Fatal(err)
	}
	document, err := realmfile.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	client := document.Clients[0]
	written, err := client.Registration()
	if err != nil || written.ID != "web" || !client.CreatedBy(now).Equal(row.Created) {
		t.Errorf("%+v, %v", written, err)
	}
	secrets, err := client.StoredSecrets(now, anyDigest, newID)
	if err != nil || len(secrets) != 1 || secrets[0] != row.Secrets[0] {
		t.Errorf("%+v, %v", secrets, err)
	}
	broken := realmfile.ClientOf(store.StoredClient{ID: "web", Registration: "{"}, nil)
	if string(broken.Client) != `{"id":"web"}` {
		t.Errorf("one that cannot be read is exported as %s", broken.Client)
	}
}

func TestSecretsOfADocument(t *testing.T) {
	for _, c := range []struct {
		secrets []realmfile.Secret
		want    string
	}{
		{[]realmfile.Secret{{Digest: "x"}}, ""},
		{[]realmfile.Secret{{ID: "a", Digest: "x"}, {ID: "b", Digest: "y"}}, ""},
		{[]realmfile.Secret{{ID: "a"}, {ID: "a"}}, "of its own"},
		{[]realmfile.Secret{{ID: "A/../b"}}, "secret 1 whose id"},
		{[]realmfile.Secret{{}, {}, {}}, "more than 2"},
		{[]realmfile.Secret{{Expires: time.Unix(-5, 0)}}, "before 1970"},
	} {
		client := realmfile.Client{Secrets: c.secrets}
		secrets, err := client.StoredSecrets(now, anyDigest, newID)
		if c.want == "" && (err != nil || !secrets[0].Created.Equal(now)) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %+v, %v; want %q", c.secrets, secrets, err, c.want)
		}
	}
	client := realmfile.Client{Secrets: []realmfile.Secret{{Digest: "canary-8c1f"}}}
	if _, err := client.StoredSecrets(now, func(store.SecretDigest) error { return errors.New("is none") }, newID); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// FuzzRead: no document breaks anything, what is read can be written, and errors
// are short and repeat no secret.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":"caddy-oauth2-realm","version":1,"realm":"/","issuer":"https://a.test","exported":"2026-01-02T03:04:05Z",
		"configured_clients":["a"],"clients":[{"client":{"id":"b","grants":["client_credentials"]},"secrets":[{"id":"x","digest":"$sha256$"}]}],
		"switches":{"disabled":true,"grants":{"password":false},"json_authenticate":true},
		"consents":[{"subject":"u","client":"b","scope":["openid"],"audience":["https://api.test"],"updated":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"clients":[{"client":{"secrets":["canary-8c1f"]}}],"canary-8c1f":"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := realmfile.Read(text)
		if err != nil {
			if strings.Contains(err.Error(), "canary-8c1f") || len(err.Error()) > 400 {
				t.Errorf("error %v", err)
			}
			return
		}
		for i := range document.Clients {
			_, _ = document.Clients[i].Registration()
			secrets, err := document.Clients[i].StoredSecrets(now, anyDigest, newID)
			if err == nil && len(secrets) > store.MaxClientSecrets {
				t.Errorf("%d secrets", len(secrets))
			}
		}
		for i := range document.Consents {
			stored := document.Consents[i].Stored("/", now)
			if err := document.Consents[i].Check(); err == nil && (stored.Subject == "" || stored.Updated.After(now)) {
				t.Errorf("%+v", stored)
			}
		}
		if _, err := json.Marshal(document); err != nil && !strings.Contains(err.Error(), "year outside") {
			t.Errorf("it cannot be written: %v", err)
		}
	})
}
