package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

func TestTheLogsThatShowCredentialsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		options, site string
		want          string
	}{
		"the default log is plain":    {"log {\nOUT\nformat json\n}", "", `"logs":["default"]`},
		"the default log is redacted": {"log {\nOUT\nformat oauth2_redact\n}", "", ""},
		"the access log is plain":     {"log {\nOUT\nformat oauth2_redact\n}", "log {\noutput stderr\n}", `"logs":["log0"]`},
		"both are redacted":           {"log {\nOUT\nformat oauth2_redact\n}", "log {\noutput stderr\nformat oauth2_redact\n}", ""},
		"in the default log":          {"log {\nOUT\nformat oauth2_redact\n}", "log", ""},
		"wrapped":                     {"log {\nOUT\nformat filter {\nwrap oauth2_redact\n}\n}", "", ""},
		"wrapping":                    {"log {\nOUT\nformat oauth2_redact {\nwrap json\n}\n}", "", ""},
		"no requests": {
			"log {\nOUT\nformat oauth2_redact\n}\nlog admin {\ninclude admin.api\noutput stderr\n}", "", "",
		},
		"nowhere": {"log {\nOUT\nformat oauth2_redact\n}\nlog other {\noutput discard\n}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := filepath.Join(w.dir, "log")
			options := strings.ReplaceAll(c.options, "OUT", "output file "+file)
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\nadmin off\npersist_config off\n"+options+
				"\noauth2 {\n}\n}\nhttp://localhost:0 {\nbind 127.0.0.1\n"+c.site+"\nrespond ok\n}\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := caddy.Load(adapted, true); err != nil {
				t.Fatal(err)
			}
			w.stop()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			warned := strings.Contains(string(text), "logs show OAuth 2.0 credentials")
			if warned != (c.want != "") || !strings.Contains(string(text), c.want) {
				t.Errorf("want %q in\n%s", c.want, text)
			}
		})
	}
}
