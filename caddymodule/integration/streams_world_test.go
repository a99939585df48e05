package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

const (
	// shortLife is how long tokens of the client short are good; the grace of the
	// site is a second more.
	shortLife = 3 * time.Second
	// patience bounds how long a test waits for what must happen.
	patience = 20 * time.Second
)

// endless is an upstream whose answers do not end by themselves.
type endless struct {
	*httptest.Server
	// offers gets the subprotocols that a WebSocket offered.
	offers chan []string

	mu    sync.Mutex
	ended map[string]chan struct{} // by target
}

// end gets something for each answer to a target that ended.
func (e *endless) end(target string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended[target] == nil {
		e.ended[target] = make(chan struct{}, 100)
	}
	return e.ended[target]
}

func newEndless(t *testing.T) *endless {
	t.Helper()
	e := &endless{ended: map[string]chan struct{}{}, offers: make(chan []string, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		defer func() { e.end(r.RequestURI) <- struct{}{} }()
		w.Header().Set("Content-Type", "text/event-stream")
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			_, _ = fmt.Fprint(w, "data: tick\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-ticker.C:
			case <-r.Context().Done():
				return
			}
		}
	})
	// Nothing comes, not even a header.
	mux.HandleFunc("GET /silent", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		e.end(r.RequestURI) <- struct{}{}
	})
	mux.HandleFunc("POST /upload", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		e.end(r.RequestURI) <- struct{}{}
	})
	mux.Handle("GET /socket", websocket.Server{
		Handshake: func(config *websocket.Config, _ *http.Request) error {
			e.offers <- config.Protocol
			if slices.Contains(config.Protocol, "chat") {
				config.Protocol = []string{"chat"}
			} else {
				config.Protocol = nil
			}
			return nil
		},
		Handler: func(conn *websocket.Conn) {
			_, _ = io.Copy(conn, conn)
			e.end("/socket") <- struct{}{}
		},
	})
	e.Server = httptest.NewServer(mux)
	t.Cleanup(e.Close)
	return e
}

// streamWorld is a realm and sites that proxy to an endless upstream.
type streamWorld struct {
	*process
	upstream  *endless
	oauth2    string
	api, off  string // addresses without scheme
	admin     string
	caddyfile string
}

func startStreams(t *testing.T) *streamWorld {
	t.Helper()
	ports := freePorts(t, 4)
	w := &streamWorld{
		upstream: newEndless(t),
		oauth2:   fmt.Sprintf("http://localhost:%d/oauth2", ports[0]),
		api:      fmt.Sprintf("localhost:%d", ports[1]), off: fmt.Sprintf("localhost:%d", ports[2]),
		admin: fmt.Sprintf("localhost:%d", ports[3]),
	}
	home := t.TempDir()
	w.caddyfile = strings.NewReplacer(
		"ADMIN", w.admin, "AUTH", fmt.Sprintf("localhost:%d", ports[0]), "API", w.api, "OFF", w.off,
		"UPSTREAM", strings.TrimPrefix(w.upstream.URL, "http://"), "DATABASE", home+"/oauth2.db", "LIFE", shortLife.String(),
	).Replace(`{
	admin ADMIN
	default_bind 127.0.0.1 [::1]
	servers {
		protocols h1 h2c
	}
	log default {
		format oauth2_redact
		level DEBUG
	}
	oauth2 {
		storage sqlite DATABASE
		realm / {
			issuer http://AUTH/oauth2
			resource http://API
			client short {
				secret s
				grants client_credentials
				scopes read
				default_scopes read
				access_token {
					lifetime LIFE
				}
			}
			client long {
				secret s
				grants client_credentials
				scopes read
				default_scopes read
				access_token {
					format opaque
				}
			}
		}
	}
}
http://AUTH {
	oauth2_server
}
http://API {
	log {
		format oauth2_redact
	}
	bearer_auth {
		realm /
		audience http://API
		websocket_token
		streams {
			grace 1s
		}
	}
	reverse_proxy UPSTREAM {
		stream_close_delay 1h
	}
}
http://OFF {
	bearer_auth {
		realm /
		audience http://API
		streams off
	}
	reverse_proxy UPSTREAM
}
`)
	w.process = start(t, w.caddyfile, home)
	return w
}

// token gets one for a client.
func (w *streamWorld) token(t *testing.T, client string) string {
	t.Helper()
	answer := curlJSON(t, "--user", client+":s", "--data", "grant_type=client_credentials", w.oauth2+"/access_token")
	return text(t, answer, "access_token")
}

func (w *streamWorld) revoke(t *testing.T, token string) {
	t.Helper()
	response, err := http.DefaultClient.Do(withForm(t, w.oauth2+"/token/revoke", "token="+token))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("revoking: status %d", response.StatusCode)
	}
}

func withForm(t *testing.T, address, form string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("long", "s")
	return r
}

// overHTTP2 is a client that speaks HTTP/2 without TLS.
func overHTTP2() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

// open sends a request that is answered without an end.
func open(t *testing.T, client *http.Client, site, path, token string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+site+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("status %d", response.StatusCode)
	}
	return response
}

// untilCut reads events to their end, which must not be an orderly one, and says
// how long that took.
func untilCut(t *testing.T, response *http.Response) time.Duration {
	t.Helper()
	began := time.Now()
	lines := bufio.NewReader(response.Body)
	for {
		if _, err := lines.ReadString('\n'); err != nil {
			if err == io.EOF || response.Request.Context().Err() != nil {
				t.Errorf("the stream ended with %v", err)
			}
			return time.Since(began)
		}
	}
}

// goesOn says whether events still come.
func goesOn(t *testing.T, response *http.Response) {
	t.Helper()
	lines := bufio.NewReader(response.Body)
	for range 60 { // more than were under way
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatalf("the stream ended with %v", err)
		}
	}
}

// wantEnd waits until the upstream has seen the end of an answer.
func (e *endless) wantEnd(t *testing.T, target string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-e.end(target):
	case <-ctx.Done():
		t.Errorf("the upstream has not seen the end of %s", target)
	}
}

// dial opens a WebSocket.
func (w *streamWorld) dial(t *testing.T, site, token string, protocols ...string) (*websocket.Conn, error) {
	t.Helper()
	config, err := websocket.NewConfig("ws://"+site+"/socket", "http://app.test")
	if err != nil {
		t.Fatal(err)
	}
	config.Protocol = protocols
	if token != "" {
		config.Header.Set("Authorization", "Bearer "+token)
	}
	conn, err := websocket.DialConfig(config)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, err
}

// echo sends a message and wants it back.
func echo(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	var back string
	if err := websocket.Message.Send(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := websocket.Message.Receive(conn, &back); err != nil || back != "hello" {
		t.Fatalf("%q, %v", back, err)
	}
}
