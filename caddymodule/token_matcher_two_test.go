package caddymodule_test

import (
	"io"
	"testing"
)

// Matchers speak of the identity that the request goes on with: that of the last
// bearer_auth that had a say.
func TestTokenMatchersAfterTwoBearerAuthAskTheLast(t *testing.T) {
	g := newMatching(t, "", `
	bearer_auth ISSUER
	}
	@reader token_scope read
	@frida token_claim sub frida
	@stranger not token_claim sub frida
	@cel expression `+"`token_scope(\"write\")`"+`
	route {
		bearer_auth /both* ISSUER
			public /both/open
			allow * /both/ok
			allow * /both/write scope write
		}
		bearer_auth /watched* ISSUER
			mode report_only
			allow * /watched scope write
		}
		handle @cel {
			respond writer
		}
		handle @reader {
			respond reader
		}
		handle @frida {
			respond frida
		}
		handle @stranger {
			respond stranger
		}
		respond nobody
	}`)
	for name, c := range map[string]struct {
		path, scope, want string
		status            int
	}{
		"the first alone":                      {"/one", "read", "reader", 200},
		"both":                                 {"/both/ok", "read", "reader", 200},
		"both, another scope":                  {"/both/ok", "other", "frida", 200},
		"both, the rule of the second":         {"/both/write", "write", "writer", 200},
		"refused by the second":                {"/both/write", "read", "", 403},
		"public for the second":                {"/both/open", "write", "stranger", 200},
		"allowed, where it is watched":         {"/watched", "write", "writer", 200},
		"would be refused, where it's watched": {"/watched", "read", "stranger", 200},
	} {
		response := g.send("GET "+c.path, g.bearer(map[string]any{"scope": c.scope}))
		if body, _ := io.ReadAll(response.Body); response.StatusCode != c.status || string(body) != c.want {
			t.Errorf("%s: status %d, %q, want %d, %q", name, response.StatusCode, body, c.status, c.want)
		}
	}
	response := g.send("GET /both/open")
	wantStatus(t, response, 401) // the first still stands before it
}
