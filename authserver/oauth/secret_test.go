package oauth_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

const canary = "c4n4ry-text"

// Every way to show a value that this project or its libraries use.
func TestSecretShowsNothing(t *testing.T) {
	secret := oauth.NewSecret(canary)
	type exported struct{ Secret oauth.Secret }
	type hidden struct{ secret oauth.Secret }
	for name, value := range map[string]any{
		"by itself":              secret,
		"behind a pointer":       &secret,
		"in an exported field":   exported{secret},
		"in an unexported field": hidden{secret},
		"in a field, by pointer": &hidden{secret},
		"in a slice":             []oauth.Secret{secret},
		"in a map":               map[string]oauth.Secret{"key": secret},
		"as an error's text":     fmt.Errorf("wrong: %v", secret),
	} {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %p"} {
				fmt.Fprintf(&shown, verb+"\n", value)
			}
			slog.New(slog.NewTextHandler(&shown, nil)).Info("text", "value", value)
			slog.New(slog.NewJSONHandler(&shown, nil)).Info("json", "value", value)
			if text, err := json.Marshal(value); err == nil {
				shown.Write(text)
			}
			for _, leak := range []string{canary, fmt.Sprintf("%x", canary), strings.ToUpper(fmt.Sprintf("%x", canary))} {
				if strings.Contains(shown.String(), leak) {
					t.Errorf("shown:\n%s", shown.String())
				}
			}
		})
	}
}

func TestSecret(t *testing.T) {
	secret, same, other := oauth.NewSecret(canary), oauth.NewSecret(canary), oauth.NewSecret(canary+"x")
	if secret.Reveal() != canary || secret.Empty() {
		t.Error("the text is lost")
	}
	if !secret.Equal(same) || secret.Equal(other) || secret.Equal(oauth.Secret{}) {
		t.Error("Equal does not compare the texts")
	}
	if secret.Digest() != sha256.Sum256([]byte(canary)) {
		t.Error("Digest is not the SHA-256 of the text")
	}
	for _, empty := range []oauth.Secret{{}, oauth.NewSecret("")} {
		if !empty.Empty() || empty.Reveal() != "" || !empty.Equal(oauth.Secret{}) {
			t.Error("an empty secret is not empty")
		}
	}
}
