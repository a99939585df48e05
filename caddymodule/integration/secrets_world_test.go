package integration

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secretWorld is a gateway with every feature on and canaries in each of them.
type secretWorld struct {
	*process
	*canaries
	foreign  *foreignIssuer
	upstream *httptest.Server
	held     chan struct{} // closed when what waits at the upstream may go on
	waiting  chan struct{} // gets something for each request that waits there

	home, admin, auth string
	client            string // the secret of the client app
	// apis are the sites by what is special to them.
	apis map[string]string
}

// keyed is an authorization server that introspects only, and believes everybody.
func keyed(c *canaries) *httptest.Server {
	var server *httptest.Server
	server = httptest.NewServer(c.spy(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodGet:
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"%[1]s/jwks","introspection_endpoint":"%[1]s/introspect"}`, server.URL)
		case !strings.HasPrefix(r.PostFormValue("token"), "good"):
			// What an endpoint says of its own accord is not to be repeated either.
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(w, "cannot parse %s", r.PostForm.Encode())
		default:
			_, _ = fmt.Fprintf(w, `{"active":true,"sub":"kay","client_id":"desk","aud":"https://api.test","exp":%d,"salary":"canary-salary"}`,
				time.Now().Add(time.Hour).Unix())
		}
	}))
	c.test.Cleanup(server.Close)
	return server
}

const secretCaddyfile = `{
	admin ADMIN
	default_bind 127.0.0.1 [::1]
	metrics
	log default {
		format oauth2_redact
		level DEBUG
	}
	oauth2 {
		storage sqlite HOME/oauth2.db
		encryption_key {env.CANARY_ENCRYPTION}
		audit {
			store
		}
		issuer basic BASIC {
			introspection {
				client gateway {file.SECRETS/introspection}
			}
		}
		issuer post KEYED {
			validate introspect
			introspection {
				client gateway {env.CANARY_POST}
				auth post
			}
		}
		issuer keyed KEYED {
			validate introspect
			introspection {
				client gateway
				auth private_key_jwt
				key {env.CANARY_KEY}
			}
		}
		realm / {
			issuer http://AUTH/oauth2
			resource https://api.test
			authentication people file docs/example/users.yaml
			default_authentication people
			grants client_credentials password refresh_token
			client app {
				secret {env.CANARY_CLIENT}
				grants client_credentials password refresh_token
				scopes read write
				default_scopes read
				access_token {
					format opaque
				}
			}
		}
	}
}
(api) {
	log {
		format oauth2_redact
	}
	reverse_proxy UPSTREAM
}
http://AUTH {
	log {
		format oauth2_redact
	}
	oauth2_server
}
http://MAIN {
	bearer_auth basic {
		audience https://api.test
		public /health
		allow * /orders* scope read
		allow * /mail* expression ` + "`claims.email.endsWith('.test')`" + `
		allow * *
		dpop
		websocket_token
		cors_preflight
		header X-Mail {http.auth.token.email}
		assertion {
			audience http://orders.internal
		}
		streams {
			grace 1s
		}
	}
	import api
}
http://NONCE {
	bearer_auth basic {
		audience https://api.test
		dpop required {
			nonce 1m
		}
	}
	import api
}
http://POST {
	bearer_auth post {
		audience https://api.test
	}
	import api
}
http://KEYED {
	bearer_auth keyed {
		audience https://api.test
	}
	import api
}
http://EXCHANGE {
	bearer_auth {
		realm /
		audience https://api.test
		token exchange / {
			audience http://orders.internal
		}
	}
	import api
}
http://REPORT {
	bearer_auth basic {
		audience https://api.test
		allow * /orders* scope write
		mode report_only
	}
	import api
}
http://OPTIONAL {
	bearer_auth basic {
		audience https://api.test
		mode optional
		token forward
	}
	import api
	handle_errors {
		respond "{err.message}" {err.status_code}
	}
}
http://BROKEN {
	log {
		format oauth2_redact
	}
	bearer_auth basic {
		audience https://api.test
		token forward
	}
	reverse_proxy 127.0.0.1:1
}
`

func startSecrets(t *testing.T) *secretWorld {
	t.Helper()
	names := []string{"MAIN", "NONCE", "POST", "KEYED", "EXCHANGE", "REPORT", "OPTIONAL", "BROKEN"}
	ports := freePorts(t, len(names)+2)
	w := &secretWorld{
		canaries: newCanaries(t), foreign: newForeignIssuer(t), home: t.TempDir(), apis: map[string]string{},
		held: make(chan struct{}), waiting: make(chan struct{}, 10),
		admin: fmt.Sprintf("localhost:%d", ports[0]), auth: fmt.Sprintf("localhost:%d", ports[1]),
	}
	w.upstream = httptest.NewServer(w.spy(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			w.waiting <- struct{}{}
			<-w.held
		}
	}))
	t.Cleanup(w.upstream.Close)

	wrapping, secrets, key := make([]byte, 32), t.TempDir(), newSigner(t)
	_, _ = rand.Read(wrapping)
	w.plant("the encryption key", string(wrapping))
	encryption := base64.StdEncoding.EncodeToString(wrapping)
	var private map[string]string
	if err := json.Unmarshal(key.private, &private); err != nil {
		t.Fatal(err)
	}
	d, err := base64.RawURLEncoding.DecodeString(w.plant("the key of private_key_jwt", private["d"]))
	if err != nil {
		t.Fatal(err)
	}
	w.plant("the key of private_key_jwt", string(d))
	// The test's issuer knows this one.
	w.plant("the introspection secret", "gateway-secret")
	if err := os.WriteFile(filepath.Join(secrets, "introspection"), []byte("gateway-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	issuer := keyed(w.canaries)
	replace := []string{
		"KEYED {\n\t\t\tvalidate", issuer.URL + " {\n\t\t\tvalidate", "ADMIN", w.admin, "AUTH", w.auth, "HOME", w.home, "SECRETS", secrets,
		"BASIC", w.foreign.URL, "UPSTREAM", strings.TrimPrefix(w.upstream.URL, "http://"),
	}
	for n, name := range names {
		w.apis[name] = fmt.Sprintf("localhost:%d", ports[2+n])
		replace = append(replace, "http://"+name+" ", "http://"+w.apis[name]+" ")
	}
	w.client = w.plant("a client's secret", rand.Text())
	w.process = start(t, strings.NewReplacer(replace...).Replace(secretCaddyfile), w.home,
		"CANARY_ENCRYPTION="+w.plant("the encryption key", encryption), "CANARY_KEY="+string(key.private),
		"CANARY_POST="+w.plant("the introspection secret", rand.Text()), "CANARY_CLIENT="+w.client)
	return w
}
