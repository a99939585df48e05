package browser

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestSealedValuesAreGoodForOnePurposeUntilTheyExpire(t *testing.T) {
	w := realmtest.New(t)
	forms, now := Forms{w.Realm.Keys}, w.Clock.Now()
	text, err := forms.Seal("signin", map[string]string{"account": "alice"}, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := forms.Open("signin", text, now, &got); err != nil || got["account"] != "alice" {
		t.Fatalf("%v, %v", got, err)
	}
	raw := text.Reveal()
	if strings.Contains(raw, "alice") {
		t.Error("it can be read")
	}
	other := w.Open(t, w.Settings("/b", "https://auth.example.com/oauth2/realms/root/realms/b"))
	for name, refused := range map[string]error{
		"another purpose": forms.Open("totp", text, now, &got),
		"a minute later":  forms.Open("signin", text, now.Add(time.Minute), &got),
		"another realm":   Forms{other.Keys}.Open("signin", text, now, &got),
		"changed":         forms.Open("signin", oauth.NewSecret(raw[:30]+"A"+raw[31:]+"B"), now, &got),
		"cut":             forms.Open("signin", oauth.NewSecret(raw[:10]), now, &got),
		"nothing":         forms.Open("signin", oauth.Secret{}, now, &got),
		"no base64":       forms.Open("signin", oauth.NewSecret("###"), now, &got),
		"endless":         forms.Open("signin", oauth.NewSecret(strings.Repeat("A", MaxSealed+1)), now, &got),
	} {
		if !errors.Is(refused, ErrSealed) {
			t.Errorf("%s: %v", name, refused)
		}
	}
	if _, err := forms.Seal("signin", strings.Repeat("x", MaxSealed), now.Add(time.Minute)); !errors.Is(err, ErrTooLong) {
		t.Errorf("more than a cookie holds: %v", err)
	}
}
