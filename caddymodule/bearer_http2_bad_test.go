package caddymodule_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// overHTTP2 is a guarded site that takes HTTP/2, too.
func overHTTP2(t *testing.T, block string) *gateway {
	t.Helper()
	return newGateway(t, setup{globals: "servers {\nprotocols h1 h2c\n}", block: block})
}

// G65: what HTTP/2 forbids never reaches the upstream, with a good token neither.
func TestG65_MalformedHTTP2NeverReachesTheUpstream(t *testing.T) {
	g := overHTTP2(t, "allow * /orders*")
	token := "authorization: Bearer " + g.issuer.token(t, nil)
	c := newHTTP2(t, g.address)
	if got := c.send("GET", "/orders", []string{token}, nil); got != "200" || g.upstream.next() == "" {
		t.Fatalf("a good request: status %q", got)
	}
	for name, fields := range map[string][]string{
		"a second :path":        {":path: /public"},
		"a second :method":      {":method: POST"},
		"a second :authority":   {":authority: evil.test"},
		"unknown pseudo-header": {":token: x"},
		"pseudo-header at last": {"x: y", ":path: /other"},
		"upper case":            {"X-Auth-Subject: root"},
		"space in a name":       {"x auth: root"},
		"connection":            {"connection: x-auth-subject"},
		"transfer-encoding":     {"transfer-encoding: chunked"},
		"upgrade":               {"upgrade: websocket"},
		"CRLF":                  {"x: y\r\nX-Auth-Subject: root"},
		"LF":                    {"x: y\nX-Auth-Subject: root"},
		"NUL":                   {"x: y\x00"},
		"another host":          {"host: evil.test"},
	} {
		got := c.send("GET", "/orders", append([]string{token}, fields...), nil)
		raw := g.upstream.next()
		if name == "another host" && got == "200" {
			// RFC 9113 §8.3.1: :authority is what counts.
			if strings.Contains(raw, "evil") {
				t.Errorf("%s: the upstream got\n%s", name, raw)
			}
			continue
		}
		if got == "200" || raw != "" {
			t.Errorf("%s: status %q, the upstream got\n%s", name, got, raw)
		}
	}
	for name, path := range map[string]string{"empty": "", "no slash": "orders", "asterisk": "*", "absolute": "http://" + g.address + "/orders"} {
		got := c.send("GET", path, []string{token}, nil)
		if raw := g.upstream.next(); got == "200" || raw != "" {
			t.Errorf(":path %s: status %q, the upstream got\n%s", name, got, raw)
		}
	}
	if got := c.send("GET", "/orders", []string{token}, nil); got != "200" {
		t.Errorf("a good request afterwards: status %q", got)
	}
}

// G66: what opens requests and takes them back, or sends headers without an end,
// gets no further than its own connection.
func TestG66_FloodsOfHTTP2AreBounded(t *testing.T) {
	g := overHTTP2(t, "")
	token := "authorization: Bearer " + g.issuer.token(t, nil)
	good := func() {
		t.Helper()
		wantStatus(t, g.send("GET /", "A"+token[1:]), http.StatusOK)
		g.upstream.next()
	}
	good()

	reset := newHTTP2(t, g.address)
	reset.open()
	head := []string{":method: GET", ":scheme: http", ":authority: " + g.address, ":path: /"}
	go func() { // its answers have to go somewhere
		for {
			if _, err := reset.framer.ReadFrame(); err != nil {
				return
			}
		}
	}()
	before, most := runtime.NumGoroutine(), 0
	for sent := range 50_000 { // or until the server has had enough
		if err := reset.writeFields(append(head, "authorization: Bearer bad"), true); err != nil {
			break
		}
		if err := reset.framer.WriteRSTStream(reset.stream, http2.ErrCodeCancel); err != nil {
			break
		}
		if reset.stream += 2; sent%100 == 0 {
			most = max(most, runtime.NumGoroutine())
		}
	}
	if most > before+1000 {
		t.Errorf("%d goroutines, %d before", most, before)
	}
	good()

	endless := newHTTP2(t, g.address)
	endless.open()
	endless.block.Reset()
	if err := endless.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}, EndHeaders: false}); err != nil {
		t.Fatal(err)
	}
	fragment := fmt.Appendf(nil, "\x40\x01a\x7f\x81\x1e%s", strings.Repeat("a", 4000))
	ended := false
	for range 10_000 { // 40 MB
		if err := endless.framer.WriteContinuation(1, false, fragment); err != nil {
			ended = true
			break
		}
	}
	if !ended {
		t.Error("40 MB of headers were read")
	}
	good()
	if raw := g.upstream.next(); raw != "" {
		t.Errorf("the upstream got\n%s", raw)
	}
}

// G53: a token in a body is none, however the body is called.
func TestG53_ATokenInABodyIsNone(t *testing.T) {
	g := newGateway(t, setup{})
	token := g.issuer.token(t, nil)
	form := "access_token=" + token
	multipart := "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\n" + token + "\r\n--b--\r\n"
	for name, c := range map[string]struct{ method, contentType, body string }{
		"GET":           {"GET", "application/x-www-form-urlencoded", form},
		"POST":          {"POST", "application/x-www-form-urlencoded", form},
		"PUT":           {"PUT", "application/x-www-form-urlencoded; charset=utf-8", form},
		"multipart":     {"POST", "multipart/form-data; boundary=b", multipart},
		"JSON":          {"POST", "application/json", `{"access_token":"` + token + `"}`},
		"no type":       {"POST", "", form},
		"another type":  {"POST", "text/plain", form},
		"two in a body": {"POST", "application/x-www-form-urlencoded", form + "&" + form},
	} {
		response := g.send(c.method+" /", "Content-Type: "+c.contentType, fmt.Sprintf("Content-Length: %d", len(c.body)), "", c.body)
		wantStatus(t, response, http.StatusUnauthorized)
		wantChallenge(t, response, challengeNone)
		// Nor does a body change what the header says.
		response = g.send(c.method+" /", "Authorization: Bearer "+token, "Content-Type: "+c.contentType, fmt.Sprintf("Content-Length: %d", len(c.body)), "", c.body)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s beside a good header: status %d", name, response.StatusCode)
		}
		g.upstream.next()
	}
}
