package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// Whatever stands in a Caddyfile is an error or a configuration, whose JSON
// decodes to the same again.
func FuzzServerCaddyfile(f *testing.F) {
	files, err := filepath.Glob("testdata/adapt/server_*.caddyfiletest")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		input, _, _ := strings.Cut(string(text), "----------\n")
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input string) {
		tokens, err := caddyfile.Tokenize([]byte(input), "Caddyfile")
		if err != nil {
			return
		}
		// Past the brace of the global options, if there is one.
		if len(tokens) > 1 && tokens[0].Text == "{" {
			tokens = tokens[1:]
		}
		d := caddyfile.NewDispenser(tokens)
		if !d.Next() {
			return
		}
		app := new(caddymodule.App)
		if err := app.UnmarshalCaddyfile(d); err != nil {
			return
		}
		adapted := caddyconfig.JSON(app, nil)
		again := new(caddymodule.App)
		if err := caddy.StrictUnmarshalJSON(adapted, again); err != nil {
			t.Fatalf("%v\n%s", err, adapted)
		}
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(adapted, second) {
			t.Errorf("%s\nbecomes\n%s: %v", adapted, second, err)
		}
	})
}

// What Caddy reads in a configuration we read everywhere, to the same length.
func FuzzDurationsAreThoseOfCaddy(f *testing.F) {
	for _, text := range []string{"30d", "1d12h", "1.5d", "-2d", "1h30m", "5µs", "dd", "1e3d", ".5d", "+1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := registration.ParseDuration(text)
		want, errCaddy := caddy.ParseDuration(text)
		if err == nil && (errCaddy != nil || got != want) {
			t.Errorf("%q: %v, Caddy says %v, %v", text, got, want, errCaddy)
		}
	})
}
