package integration

import (
	"bufio"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// send makes a request of header lines and collects the answer. It gives the
// status and the headers.
func (w *secretWorld) send(api, method, target string, headers ...string) *http.Response {
	w.test.Helper()
	conn, err := net.Dial("tcp", w.apis[api])
	if err != nil {
		w.test.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n", method, target, w.apis[api], strings.Join(append(headers, "X-End: 1"), "\r\n"))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.test.Fatal(err)
	}
	w.drain("of "+api+" to "+method+" "+strings.SplitN(target, "?", 2)[0], response)
	return response
}

// want is send for a status that is known.
func (w *secretWorld) want(status int, api, method, target string, headers ...string) {
	w.test.Helper()
	if got := w.send(api, method, target, headers...).StatusCode; got != status {
		w.test.Errorf("%s: %s %s: status %d, want %d", api, method, target, got, status)
	}
}

// tokens are those that the foreign issuer gives: good ones and others.
func (w *secretWorld) tokens(jkt string) map[string]string {
	stranger := newForeignIssuer(w.test)
	with := func(name string, value any) string {
		claims := map[string]any{"email": "frida@mail.test", "salary": w.plant("a claim that nobody asked for", "canary-salary")}
		claims[name] = value
		return w.foreign.token(claims)
	}
	good := with("email", "frida@mail.test")
	tokens := map[string]string{
		"good": good, "expired": with("exp", 1), "wrong audience": with("aud", "x"), "no scope": with("scope", "none"),
		"bound": with("cnf", map[string]string{"jkt": jkt}), "unknown key": stranger.token(map[string]any{"iss": w.foreign.URL}),
		"unknown issuer": stranger.token(nil), "broken": good[:len(good)-10] + "AAAAAAAAAA", "opaque": "opaque-and-good", "refused": "opaque-and-not-good",
		"half": good[:len(good)/2], "no JWT": "one.two.three",
	}
	for name, token := range tokens {
		if name != "no JWT" {
			w.plantToken("the token "+name, token)
		}
	}
	return tokens
}

// drive sends requests that are allowed, refused and failed.
func (w *secretWorld) drive() (tokens map[string]string) {
	w.test.Helper()
	owner := newSigner(w.test)
	sum, err := owner.key.Thumbprint(crypto.SHA256)
	if err != nil {
		w.test.Fatal(err)
	}
	tokens = w.tokens(base64.RawURLEncoding.EncodeToString(sum))
	bearer := func(name string) string { return "Authorization: Bearer " + tokens[name] }
	proof := func(method, path, token string) string {
		return "DPoP: " + w.plantToken("a proof", owner.proof(method, "https://api.test"+path, token))
	}
	for n := 0; w.send("MAIN", "GET", "/orders", bearer("good")).StatusCode != http.StatusOK; n++ {
		if n == 100 {
			w.test.Fatal("a good token is not taken")
		}
	}
	for api := range w.apis {
		for name := range tokens {
			w.send(api, "GET", "/orders", bearer(name))
			w.send(api, "POST", "/orders?access_token="+url.QueryEscape(tokens[name]), "Cookie: token="+tokens[name])
		}
		w.send(api, "GET", "/orders//x", bearer("good"))
		w.send(api, "GET", "/orders", bearer("good"), bearer("opaque"))
		w.send(api, "GET", "/orders", "Authorization: Basic "+tokens["good"])
		w.send(api, "GET", "/orders", bearer("good"), "X-Auth-Subject: "+tokens["good"])
		w.send(api, "OPTIONS", "/orders", bearer("good"), "Origin: https://app.test", "Access-Control-Request-Method: GET")
		once := proof("GET", "/orders", tokens["bound"])
		for range 2 {
			w.send(api, "GET", "/orders", "Authorization: DPoP "+tokens["bound"], once)
		}
		w.send(api, "GET", "/orders", "Authorization: DPoP "+tokens["bound"], once+"x", once)
		w.send(api, "GET", "/orders", "Authorization: DPoP "+tokens["good"], proof("GET", "/orders", tokens["good"]))
		for _, name := range []string{"good", "broken"} {
			w.send(api, "GET", "/socket", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: bearer, "+tokens[name]+", chat")
		}
	}

	// That all of it was not refused at the door.
	w.want(200, "MAIN", "GET", "/orders", bearer("good"))
	w.want(200, "MAIN", "GET", "/mail", bearer("good"))
	w.want(403, "MAIN", "GET", "/mail", "Authorization: Bearer "+w.plantToken("a token without a claim", w.foreign.token(nil)))
	w.want(403, "MAIN", "GET", "/orders", bearer("no scope"))
	w.want(200, "MAIN", "GET", "/orders", bearer("opaque"))
	w.want(200, "MAIN", "GET", "/orders", "Authorization: DPoP "+tokens["bound"], proof("GET", "/orders", tokens["bound"]))
	w.want(401, "NONCE", "GET", "/orders", "Authorization: DPoP "+tokens["bound"], proof("GET", "/orders", tokens["bound"]))
	for _, api := range []string{"POST", "KEYED"} {
		w.want(200, api, "GET", "/orders", "Authorization: Bearer "+w.plant("an opaque token", "good-"+api+"-opaque-token"))
		w.want(503, api, "GET", "/orders", "Authorization: Bearer "+w.plant("an opaque token", "fatal-"+api+"-opaque-token"))
	}
	w.want(502, "BROKEN", "GET", "/orders?token="+tokens["good"], bearer("good"))
	w.want(401, "OPTIONAL", "GET", "/orders", bearer("expired"))
	w.want(200, "REPORT", "GET", "/orders", bearer("expired"))

	// Our own server, its tokens, and a wrong password.
	grant := func(form string) map[string]any {
		return curlJSON(w.test, "--user", "app:"+w.client, "--data", form, "http://"+w.auth+"/oauth2/access_token")
	}
	tokens["own"] = w.plantAnswer("our own token", grant("grant_type=password&username=demo&password="+w.plant("a password", "Ch4ng31t")))
	w.plantAnswer("our own token", grant("grant_type=client_credentials"))
	grant("grant_type=password&username=demo&password=" + w.plant("a password", "wrong-and-remembered"))
	grant("grant_type=refresh_token&refresh_token=" + w.plant("a refresh token", "ort_made-up-by-somebody"))
	w.want(200, "EXCHANGE", "GET", "/orders", bearer("own"))
	return tokens
}

// F30: with every feature on, and whatever comes in, no secret comes out: not in
// logs at DEBUG, answers, metrics, the admin API with its configuration and
// profiles, the store, or Caddy's own files.
func TestF30_NoSecretIsFoundWhereItDoesNotBelong(t *testing.T) {
	w := startSecrets(t)
	tokens := w.drive()

	admin := "http://" + w.admin
	for name, token := range tokens {
		body, err := json.Marshal(map[string]string{"token": token, "path": "/orders"})
		if err != nil {
			t.Fatal(err)
		}
		if text := w.fetch(admin+"/oauth2/explain", string(body)); name == "good" && !strings.Contains(text, `"allowed":true`) {
			t.Errorf("explain says %s", text)
		}
	}
	w.fetch(admin+"/oauth2/issuers/refresh", "{}")
	// While a request is under way.
	go func() {
		r := request(t, http.MethodGet, "http://"+w.apis["MAIN"]+"/hold", tokens["good"])
		if response, err := http.DefaultClient.Do(r); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-w.waiting
	for path, want := range map[string]string{
		"/config/": "{env.CANARY_ENCRYPTION}", "/metrics": "caddy_oauth2_requests_total", "/oauth2/issuers": w.foreign.URL, "/oauth2/deny": "entries",
		"/debug/pprof/goroutine?debug=2": "reverseproxy", "/debug/pprof/heap?debug=1": "heap profile", "/debug/pprof/allocs?debug=1": "heap profile",
		"/debug/pprof/cmdline": "caddy", "/debug/vars": "memstats", "/reverse_proxy/upstreams": "address",
	} {
		if text := w.fetch(admin+path, ""); !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", path, want)
		}
	}
	close(w.held)
	w.collectFiles("running", w.home)
	w.stop()
	w.collectFiles("stopped", w.home)
	w.collect("the log", w.output())
	for where, want := range map[string]string{
		"the log": `"sub":"frida"`, "stopped /oauth2.db": "SQLite format 3", "stopped /caddy/autosave.json": "{env.CANARY_KEY}",
	} {
		if !strings.Contains(w.texts[where], want) {
			t.Errorf("%s lacks %s", where, want)
		}
	}
	if len(w.forms) < 300 || len(w.texts) < 50 {
		t.Errorf("%d forms of canaries in %d texts: that proves little", len(w.forms), len(w.texts))
	}
	w.wantNone()
	t.Logf("%d forms of canaries, %d texts", len(w.forms), len(w.texts))
}
