package oidc_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
)

// Whatever else a provider says, nobody is signed in, and nobody is told that it
// was the user's doing.
func TestAProviderThatLies(t *testing.T) {
	claim := func(name string, value any) func(*world) {
		return func(w *world) { w.claims[name] = value }
	}
	says := func(name string, value any) func(*world) {
		return func(w *world) { w.metadata[name] = value }
	}
	body := func(path, contentType, text string) func(*world) {
		return func(w *world) {
			w.lie(path, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", contentType)
				_, _ = io.WriteString(rw, text)
			})
		}
	}
	status := func(path string, code int, location string) func(*world) {
		return func(w *world) {
			w.lie(path, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Location", location)
				rw.WriteHeader(code)
			})
		}
	}
	const metadata = "/.well-known/openid-configuration"
	huge := `{"a":"` + strings.Repeat("x", 300<<10) + `"}`
	now := time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC).Unix()
	for name, test := range map[string]struct {
		lie  func(*world)
		says string
	}{
		"metadata: another issuer":       {says("issuer", "https://idp.example.com"), "byte for byte"},
		"metadata: a slash more":         {func(w *world) { w.metadata["issuer"] = w.URL + "/" }, "byte for byte"},
		"metadata: no issuer":            {says("issuer", nil), "byte for byte"},
		"metadata: http elsewhere":       {says("token_endpoint", "http://idp.example.com/token"), "token_endpoint must use https"},
		"metadata: another scheme":       {says("authorization_endpoint", "javascript:alert(1)"), "authorization_endpoint is not"},
		"metadata: a user name":          {says("jwks_uri", "https://a@idp.example.com/keys"), "jwks_uri is not"},
		"metadata: no token endpoint":    {says("token_endpoint", nil), "token_endpoint is not"},
		"metadata: userinfo a number":    {says("userinfo_endpoint", 7), "userinfo_endpoint is not"},
		"metadata: symmetric algorithms": {says("id_token_signing_alg_values_supported", []string{"HS256", "none"}), "has none of"},
		"metadata: auth a number":        {says("token_endpoint_auth_methods_supported", 7), "not a list"},
		"metadata: HTML":                 {body(metadata, "text/html", "<html>"), "JSON"},
		"metadata: HTML as JSON":         {body(metadata, "application/json", "<html>"), "JSON"},
		"metadata: twice":                {body(metadata, "application/json", `{"issuer":"a","issuer":"b"}`), "JSON"},
		"metadata: huge":                 {body(metadata, "application/json", huge), "more than"},
		"metadata: redirect":             {status(metadata, 302, "https://example.com/"), "302"},
		"metadata: failure":              {status(metadata, 500, ""), "500"},

		"keys: HTML":                {body("/keys", "text/html", "<html>"), "JSON"},
		"keys: none":                {body("/keys", "application/json", `{"keys":[]}`), "none of its 0 keys"},
		"keys: symmetric":           {body("/keys", "application/json", `{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"k1"}]}`), "none of its 1 keys"},
		"keys: private":             {body("/keys", "application/json", `{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}]}`), "none of its 1 keys"},
		"keys: many":                {body("/keys", "application/json", `{"keys":[`+strings.Repeat("{},", 100)+`{}]}`), "at most 100"},
		"keys: huge":                {body("/keys", "application/json", huge), "more than"},
		"keys: redirect":            {status("/keys", 307, "https://example.com/"), "307"},
		"keys: at a cloud's door":   {says("jwks_uri", "https://169.254.169.254/latest"), "private address"},
		"keys: inside":              {says("jwks_uri", "https://10.1.2.3/keys"), "`allow_private 10.1.2.3/32`"},
		"keys: signed by another":   {func(w *world) { w.signer = newKey(t) }, "signature"},
		"keys: another kid":         {func(w *world) { w.header["kid"] = "k2" }, `no key "k2"`},
		"token: inside":             {says("token_endpoint", "https://192.168.1.1/token"), "private address"},
		"token: redirect":           {status("/token", 307, "https://example.com/"), "307"},
		"token: failure":            {status("/token", 502, ""), "502"},
		"token: HTML":               {body("/token", "text/html", "<html>"), "JSON"},
		"token: huge":               {body("/token", "application/json", huge), "more than"},
		"token: an array":           {body("/token", "application/json", `["id_token"]`), "JSON"},
		"token: no ID token":        {func(w *world) { w.answer["id_token"] = nil }, "no id_token"},
		"token: a number":           {func(w *world) { w.answer["id_token"] = 7 }, "no id_token"},
		"token: header in it":       {func(w *world) { w.answer["access_token"] = "a\r\nX: y" }, "access token"},
		"ID token: no JWS":          {func(w *world) { w.answer["id_token"] = "a.b" }, "ID token"},
		"ID token: encrypted":       {func(w *world) { w.answer["id_token"] = "a.b.c.d.e" }, "ID token"},
		"ID token: alg none":        {func(w *world) { w.header["alg"] = "none" }, `"none"`},
		"ID token: alg None":        {func(w *world) { w.header["alg"] = "None" }, `"None"`},
		"ID token: alg of no key":   {func(w *world) { w.header["alg"] = "RS256" }, "no key"},
		"ID token: an access token": {func(w *world) { w.header["typ"] = "at+jwt" }, "type"},
		"ID token: a logout token":  {func(w *world) { w.header["typ"] = "logout+jwt" }, "type"},
		"ID token: crit":            {func(w *world) { w.header["crit"] = []string{"b64"} }, "ID token"},
		"ID token: by our secret": {func(w *world) {
			header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"symmetric"}`))
			payload, _ := json.Marshal(map[string]any{"iss": w.URL, "sub": "ann", "aud": "caddy", "exp": now + 300, "iat": now})
			input := header + "." + base64.RawURLEncoding.EncodeToString(payload)
			mac := hmac.New(sha256.New, []byte("s e:cret"))
			_, _ = io.WriteString(mac, input)
			w.answer["id_token"] = input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}, `"HS256"`},
		"ID token: another issuer":    {claim("iss", "https://idp.example.com"), "iss"},
		"ID token: no issuer":         {claim("iss", nil), "iss"},
		"ID token: another audience":  {claim("aud", "another"), "aud"},
		"ID token: no audience":       {claim("aud", nil), "aud"},
		"ID token: audience a number": {claim("aud", []any{"caddy", 7}), "aud"},
		"ID token: two, no azp":       {claim("aud", []string{"caddy", "another"}), "azp"},
		"ID token: azp another":       {claim("azp", "another"), "azp"},
		"ID token: azp a number":      {claim("azp", 7), "azp"},
		"ID token: no sub":            {claim("sub", nil), "sub"},
		"ID token: sub a number":      {claim("sub", 7), "sub"},
		"ID token: sub too long":      {claim("sub", strings.Repeat("a", 5<<10)), "sub"},
		"ID token: over":              {claim("exp", now-60), "exp"},
		"ID token: no end":            {claim("exp", nil), "exp"},
		"ID token: end as text":       {claim("exp", "9999999999"), "exp"},
		"ID token: from the future":   {claim("iat", now+61), "iat"},
		"ID token: no begin":          {claim("iat", nil), "iat"},
		"ID token: not yet":           {claim("nbf", now+61), "nbf"},
		"ID token: signed in later":   {claim("auth_time", now+61), "auth_time"},
		"ID token: signed in as text": {claim("auth_time", "now"), "auth_time"},
		"ID token: another at_hash":   {claim("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), "at_hash"},
		"ID token: at_hash a number":  {claim("at_hash", 7), "at_hash"},
		"userinfo: of another":        {func(w *world) { w.userinfo["sub"] = "bob" }, "sub"},
		"userinfo: of nobody":         {func(w *world) { w.userinfo["sub"] = nil }, "sub"},
		"userinfo: signed":            {body("/userinfo", "application/jwt", "a.b.c"), "JSON"},
		"userinfo: huge":              {body("/userinfo", "application/json", huge), "more than"},
		"userinfo: redirect":          {status("/userinfo", 302, "https://example.com/"), "302"},
		"userinfo: inside":            {says("userinfo_endpoint", "https://[fd00::1]/"), "private address"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.lie(w)
			location, kept, err := w.service.Depart(t.Context(), login.Departure{Callback: callback})
			if err == nil {
				_, err = w.service.Arrive(t.Context(), w.authorize(t, location), callback, kept)
			}
			wantFault(t, name, err, test.says)
			if accountErr := account(t.Context(), w, "ann"); accountErr != login.ErrNoAccount { //nolint:errorlint // it is to be this one
				t.Errorf("the account is remembered: %v", accountErr)
			}
			for _, secret := range []string{"s e:cret", "Y2FkZHk6cytlJTNBY3JldA==", `"access_token"`} {
				if strings.Contains(err.Error(), secret) || strings.Contains(strings.Join(w.logged.lines(), "\n"), secret) {
					t.Errorf("a secret is told: %v", err)
				}
			}
		})
	}
}

// What is true in another spelling is believed.
func TestWhatProvidersMaySay(t *testing.T) {
	now := time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC).Unix()
	for name, change := range map[string]func(*world){
		"several audiences":     func(w *world) { w.claims["aud"], w.claims["azp"] = []string{"api", "caddy"}, "caddy" },
		"azp alone":             func(w *world) { w.claims["azp"] = "caddy" },
		"a clock that is late":  func(w *world) { w.claims["exp"] = now - 59 },
		"a clock that is early": func(w *world) { w.claims["iat"] = now + 60 },
		"at_hash":               func(w *world) { w.claims["at_hash"] = "sda5G2fCr6XjIpiNlGJjjQ" },
		"no typ":                func(w *world) { w.header["typ"] = nil },
		"no kid":                func(w *world) { w.header["kid"] = nil },
		"no auth_time":          func(w *world) { w.claims["auth_time"] = nil },
		"no userinfo":           func(w *world) { w.metadata["userinfo_endpoint"] = nil },
		"no access token":       func(w *world) { w.answer["access_token"], w.answer["token_type"] = nil, nil },
	} {
		w := newWorld(t)
		change(w)
		if arrival, err := w.signIn(t); err != nil || arrival.Account.ID != "ann" {
			t.Errorf("%s: %+v, %v", name, arrival, err)
		}
	}
}

// What the browser brings is a stranger's until state says that it left from here.
func TestWhatTheBrowserMayNotBring(t *testing.T) {
	set := func(name, value string) func(url.Values) {
		return func(q url.Values) { q.Set(name, value) }
	}
	failure := func(code string) func(url.Values) {
		return func(q url.Values) { q.Del("code"); q.Set("error", code); q.Set("error_description", "<script>") }
	}
	for name, test := range map[string]struct {
		change func(url.Values)
		reason string
	}{
		"no state":             {func(q url.Values) { q.Del("state") }, oidc.ReasonState},
		"another state":        {set("state", "AAAAAAAAAAAAAAAAAAAAAAAAAA"), oidc.ReasonState},
		"another and an error": {func(q url.Values) { q.Set("state", "x"); q.Set("error", "access_denied") }, oidc.ReasonState},
		"state twice":          {func(q url.Values) { q.Add("state", "x") }, oidc.ReasonMalformed},
		"no iss":               {func(q url.Values) { q.Del("iss") }, oidc.ReasonIssuer},
		"another iss":          {set("iss", "https://evil.example.com"), oidc.ReasonIssuer},
		"iss of an error":      {func(q url.Values) { failure("access_denied")(q); q.Set("iss", "https://evil.example.com") }, oidc.ReasonIssuer},
		"no code":              {func(q url.Values) { q.Del("code") }, oidc.ReasonMalformed},
		"code twice":           {func(q url.Values) { q.Add("code", "x") }, oidc.ReasonMalformed},
		"huge code":            {set("code", strings.Repeat("x", 5<<10)), oidc.ReasonMalformed},
		"an unknown code":      {set("code", "x"), oidc.ReasonCode},
		"denied":               {failure("access_denied"), "access_denied"},
		"not signed in":        {failure("login_required"), "login_required"},
		"a question":           {failure("interaction_required"), "interaction_required"},
		"busy":                 {failure("temporarily_unavailable"), "temporarily_unavailable"},
		"our mistake":          {failure("unauthorized_client"), oidc.ReasonProvider},
		"anything":             {failure("<script>alert(1)</script>"), oidc.ReasonProvider},
		"an empty error":       {failure(""), oidc.ReasonProvider},
	} {
		w := newWorld(t)
		_, err := w.signIn(t, test.change)
		wantRefused(t, name, err, test.reason)
		if strings.Contains(err.Error(), "script") || strings.Contains(strings.Join(w.logged.lines(), ""), "script") {
			t.Errorf("%s: repeats what a stranger sent: %v", name, err)
		}
		if told := len(w.logged.lines()) > 0; told != (name == "our mistake") {
			t.Errorf("%s: log: %s", name, w.logged.lines())
		}
	}
}

func TestACodeIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	location, kept := w.depart(t, login.Departure{})
	answer := w.authorize(t, location)
	if _, err := w.service.Arrive(t.Context(), answer, callback, kept); err != nil {
		t.Fatal(err)
	}
	_, err := w.service.Arrive(t.Context(), answer, callback, kept)
	wantRefused(t, "replayed", err, oidc.ReasonCode)
}

// A code of another sign-in is of no use: to a provider that checks PKCE by the
// verifier, to one that does not by the nonce.
func TestACodeOfAnotherSignIn(t *testing.T) {
	for _, careless := range []bool{false, true} {
		w := newWorld(t)
		theirs, _ := w.depart(t, login.Departure{})
		stolen := w.authorize(t, theirs)
		location, kept := w.depart(t, login.Departure{})
		mine := w.authorize(t, location)
		reason := oidc.ReasonCode
		if careless {
			reason = oidc.ReasonNonce
			w.codes[stolen.Get("code")].Set("code_challenge", w.codes[mine.Get("code")].Get("code_challenge"))
		}
		mine.Set("code", stolen.Get("code"))
		_, err := w.service.Arrive(t.Context(), mine, callback, kept)
		wantRefused(t, "injected", err, reason)
	}
}

// Mix-up: what left for one provider does not arrive from another (RFC 9700 §4.4).
func TestACodeOfAnotherProviderGoesNowhere(t *testing.T) {
	honest, evil := newWorld(t), newWorld(t)
	location, kept := honest.depart(t, login.Departure{})
	answer := honest.authorize(t, location)
	_, err := evil.service.Arrive(t.Context(), answer, callback, kept)
	wantRefused(t, "to the other service", err, oidc.ReasonState)
	if evil.count("/token") != 0 {
		t.Error("the other provider was given the code")
	}
	evilLocation, evilKept := evil.depart(t, login.Departure{})
	at, _ := url.Parse(evilLocation)
	answer.Set("state", at.Query().Get("state"))
	_, err = evil.service.Arrive(t.Context(), answer, callback, evilKept)
	wantRefused(t, "with its state", err, oidc.ReasonIssuer)
	if evil.count("/token") != 0 {
		t.Error("the other provider was given the code")
	}
}

func TestWhatTheBrowserKeptMayBeAnything(t *testing.T) {
	w := newWorld(t)
	location, _ := w.depart(t, login.Departure{})
	for _, kept := range []string{"", "{}", "null", `{"s":"","n":"","v":""}`, "\x00", strings.Repeat("x", 2<<10)} {
		_, err := w.service.Arrive(t.Context(), w.authorize(t, location), callback, kept)
		wantRefused(t, kept, err, oidc.ReasonState)
	}
}
