package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// onTime says whether a stream lasted as long as its token and the grace, and the
// second or two that the watch looks only now and then. Expiry is in whole
// seconds, so a token may be good for one less than its lifetime.
func onTime(t *testing.T, lasted time.Duration) {
	t.Helper()
	if lasted < shortLife-time.Second || lasted > shortLife+time.Second+3*time.Second {
		t.Errorf("it lasted %v, with a token for %v and a second of grace", lasted, shortLife)
	}
}

func TestRS35_StreamsAreCutWhenTheirTokenExpires(t *testing.T) {
	w := startStreams(t)
	for version, client := range map[string]*http.Client{"HTTP/1.1": {Transport: new(http.Transport)}, "HTTP/2": overHTTP2()} {
		t.Run("events over "+version, func(t *testing.T) {
			t.Parallel()
			response := open(t, client, w.api, "/events?"+version, w.token(t, "short"))
			if !strings.HasPrefix(response.Proto, version) {
				t.Errorf("it is %s", response.Proto)
			}
			onTime(t, untilCut(t, response))
			w.upstream.wantEnd(t, "/events?"+version)
		})
		t.Run("no answer at all over "+version, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := request(t, http.MethodGet, "http://"+w.api+"/silent?"+version, w.token(t, "short"))
			if response, err := client.Do(r); err == nil && response.StatusCode < 500 {
				t.Errorf("status %d", response.StatusCode)
			}
			onTime(t, time.Since(began))
			w.upstream.wantEnd(t, "/silent?"+version)
		})
		t.Run("upload over "+version, func(t *testing.T) {
			t.Parallel()
			body, stop := endlessBody()
			defer stop()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.api+"/upload?"+version, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+w.token(t, "short"))
			began := time.Now()
			if response, err := client.Do(r); err == nil && response.StatusCode < 500 {
				t.Errorf("status %d", response.StatusCode)
			}
			onTime(t, time.Since(began))
			w.upstream.wantEnd(t, "/upload?"+version)
		})
	}
	t.Run("WebSocket", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		conn, err := w.dial(t, w.api, w.token(t, "short"))
		if err != nil {
			t.Fatal(err)
		}
		echo(t, conn)
		wantPolicyClose(t, conn)
		onTime(t, time.Since(began))
		w.upstream.wantEnd(t, "/socket")
	})
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		response := open(t, http.DefaultClient, w.off, "/events?off", w.token(t, "short"))
		untilCut(t, open(t, http.DefaultClient, w.api, "/events?on", w.token(t, "short")))
		goesOn(t, response)
	})
}

// endlessBody is the body of a request that does not end by itself.
func endlessBody() (body io.Reader, stop func()) {
	reader, writer := io.Pipe()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for range ticker.C {
			if _, err := io.WriteString(writer, "more"); err != nil {
				return
			}
		}
	}()
	return reader, func() {
		_ = reader.Close()
		<-stopped
	}
}

// wantPolicyClose wants a close frame with 1008 and the end of the connection.
// The library hides why a peer closes, so it reads frames.
func wantPolicyClose(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	frame, err := conn.NewFrameReader()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := io.ReadAll(frame)
	if err != nil || frame.PayloadType() != websocket.CloseFrame || len(payload) < 2 || int(payload[0])<<8|int(payload[1]) != 1008 {
		t.Errorf("a frame of type %d with %q, %v", frame.PayloadType(), payload, err)
	}
	if _, err := conn.NewFrameReader(); err == nil {
		t.Error("the connection is open")
	}
}

func TestRS35_RevocationCutsStreams(t *testing.T) {
	w := startStreams(t)
	before := gauge(t, w.admin, "go_goroutines")
	first, second := w.token(t, "long"), w.token(t, "long")
	var cut []*http.Response
	for range 10 {
		cut = append(cut, open(t, http.DefaultClient, w.api, "/events", first))
	}
	other := open(t, http.DefaultClient, w.api, "/events", second)
	conn, err := w.dial(t, w.api, first)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn)
	// Old enough to be looked at.
	for range 4 {
		goesOn(t, cut[0])
	}
	w.revoke(t, first)
	for _, response := range cut {
		if took := untilCut(t, response); took > 4*time.Second {
			t.Errorf("cut after %v", took)
		}
	}
	if err := websocket.Message.Receive(conn, new(string)); err == nil {
		t.Error("the WebSocket is open")
	}
	// The revocation made the process judge it anew, and found it good.
	goesOn(t, other)
	wantMetric(t, w, `caddy_oauth2_streams_cut_total{reason="revoked"}`, 11)
	_ = other.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	settled(t, w, before)
}

// wantMetric compares one number of the binary's metrics.
func wantMetric(t *testing.T, w *streamWorld, name string, want float64) {
	t.Helper()
	if got := gauge(t, w.admin, name); got != want {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// settled waits until the binary has about as many goroutines as before.
func settled(t *testing.T, w *streamWorld, before float64) {
	t.Helper()
	now := 0.0
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if now = gauge(t, w.admin, "go_goroutines"); now <= before+10 {
			return
		}
	}
	t.Errorf("%v goroutines, %v before", now, before)
}

// Streams outlive the configuration that let them in, and its watch goes on.
func TestRS35_StreamsOfAnOldConfigurationAreCutToo(t *testing.T) {
	w := startStreams(t)
	token := w.token(t, "long")
	response := open(t, http.DefaultClient, w.api, "/events", token)
	conn, err := w.dial(t, w.api, token)
	if err != nil {
		t.Fatal(err)
	}
	expiring := open(t, http.DefaultClient, w.api, "/events", w.token(t, "short"))
	for _, caddyfile := range []string{w.caddyfile, strings.Replace(w.caddyfile, "grace 1s", "grace 2s", 1)} {
		if !load(t, w.admin, caddyfile) {
			t.Fatal("the configuration was refused")
		}
	}
	onTime(t, untilCut(t, expiring)+time.Second)
	goesOn(t, response)
	echo(t, conn)
	w.revoke(t, token)
	if took := untilCut(t, response); took > 4*time.Second {
		t.Errorf("cut after %v", took)
	}
	if err := websocket.Message.Receive(conn, new(string)); err == nil {
		t.Error("the WebSocket is open")
	}
}

// When the realm itself is gone nobody can say whether a token was revoked. It
// carries on to its expiry, and no further.
func TestRS35_StreamsOfARealmThatIsGoneEndWithTheirToken(t *testing.T) {
	w := startStreams(t)
	response := open(t, http.DefaultClient, w.api, "/events", w.token(t, "short"))
	if !load(t, w.admin, fmt.Sprintf("{\n\tadmin %s\n}\nhttp://%s {\n\trespond gone\n}\n", w.admin, w.off)) {
		t.Fatal("the configuration was refused")
	}
	onTime(t, untilCut(t, response)+time.Second)
}

// TestRS35_ATokenAmongTheSubprotocols is what scripts in browsers do, which can
// set no header: new WebSocket(url, ["bearer", token, "chat"]).
func TestRS35_ATokenAmongTheSubprotocols(t *testing.T) {
	w := startStreams(t)
	token := w.token(t, "long")
	for name, test := range map[string]struct {
		protocols []string
		offered   []string // to the upstream
		selected  string
	}{
		"with another": {[]string{"bearer", token, "chat"}, []string{"chat"}, "chat"},
		"by itself":    {[]string{"bearer", token}, nil, "bearer"},
		"unknown ones": {[]string{"mqtt", "bearer", token}, []string{"mqtt"}, "bearer"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := w.dial(t, w.api, "", test.protocols...)
			if err != nil {
				t.Fatal(err)
			}
			if got := <-w.upstream.offers; !slices.Equal(got, test.offered) {
				t.Errorf("the upstream was offered %q", got)
			}
			if got := conn.Config().Protocol; len(got) != 1 || got[0] != test.selected {
				t.Errorf("selected %q, want %s", got, test.selected)
			}
			echo(t, conn)
		})
	}
	for name, test := range map[string]struct {
		header, protocols string
		status            int
	}{
		"none":              {"", "chat", 401},
		"bad":               {"", "bearer, bad", 401},
		"nothing after it":  {"", "chat, bearer", 400},
		"two of them":       {"", "bearer, " + token + ", bearer, " + token, 400},
		"and in the header": {"Authorization: Bearer " + token + "\r\n", "bearer, " + token, 400},
		"not a token":       {"", "bearer, a b", 400},
		"good":              {"", "bearer, " + token, 101},
	} {
		t.Run(name, func(t *testing.T) {
			if got := upgrade(t, w.api, test.header+"Sec-WebSocket-Protocol: "+test.protocols+"\r\n"); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
		})
	}
	// Where it is off, and where no WebSocket is opened, it is no token.
	if got := upgrade(t, w.off, "Sec-WebSocket-Protocol: bearer, "+token+"\r\n"); got != http.StatusUnauthorized {
		t.Errorf("where it is off: status %d", got)
	}
	r := request(t, http.MethodGet, "http://"+w.api+"/events", "")
	r.Header.Del("Authorization")
	r.Header.Set("Sec-WebSocket-Protocol", "bearer, "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a WebSocket: %v, %v", response, err)
	}
	w.stop()
	if strings.Contains(w.output(), token) || !strings.Contains(w.output(), "Sec-Websocket-Protocol") {
		t.Error("the log shows the token, or not that there was one")
	}
}

// upgrade asks for a WebSocket with header lines and gives the status.
func upgrade(t *testing.T, site, headers string) int {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", site)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://app.test\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", site, headers)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}
