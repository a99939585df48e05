package registration_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

func TestADurationIsATextOrNanoseconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"90s"`: 90 * time.Second, `"30d"`: 720 * time.Hour, `"1.5d"`: 36 * time.Hour, `"1d12h"`: 36 * time.Hour,
		`"2h1d"`: 26 * time.Hour, `"-1d"`: -24 * time.Hour, `600000000000`: 10 * time.Minute, `-1`: -1, `0`: 0, `null`: 0,
	} {
		var got registration.Duration
		if err := json.Unmarshal([]byte(text), &got); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %v, %v; want %v", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{`""`, `"90"`, `"d"`, `"1.2.3d"`, `"1w"`, `"ten minutes"`, `true`, `1.5`, `{}`} {
		var got registration.Duration
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is read as %v", text, time.Duration(got))
		}
	}
	if text, err := json.Marshal(registration.Duration(time.Minute)); err != nil || string(text) != "60000000000" {
		t.Errorf("%s, %v", text, err)
	}
}
