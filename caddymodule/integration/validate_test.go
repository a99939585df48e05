package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is valid and yet wrong is said by caddy validate, before anybody calls.
func TestValidateWarns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(`{
	oauth2 {
		realm / {
			issuer http://localhost:8080/oauth2
			resource http://localhost:8081
			grants client_credentials implicit
			authentication staff file docs/example/users.yaml
			default_authentication staff
			client orders {
				secret plain
				redirect_uri https://app.example.com/callback
				grants client_credentials implicit
				scopes read
			}
		}
		issuer corp https://idp.example.com {
			jwks {
				refresh 24h
			}
		}
	}
}
http://localhost:8081 {
	bearer_auth {
		realm /
		audience http://localhost:9999
		mode report_only
	}
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, t.TempDir(), "validate", "--adapter", "caddyfile", "--config", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"no client of the realm can obtain a token for the audience", "logs show OAuth 2.0 credentials", "mode report_only refuses nothing", "jwks refresh 24h", "implicit"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no warning that %s in\n%s", want, out)
		}
	}
}
