package wire_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

const formType = "application/x-www-form-urlencoded"

func post(target, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", formType)
	return r
}

// refused checks that err is a protocol error of this code and status, and
// gives its description.
func refused(t *testing.T, err error, code string, status int) string {
	t.Helper()
	var e *oauth.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Status != status {
		t.Errorf("got %s with status %d, want %s with %d", e.Code, e.Status, code, status)
	}
	return e.Description
}

func TestReadForm(t *testing.T) {
	for _, test := range []struct{ name, target, contentType, body string }{
		{"plain", "/token", formType, "grant_type=password&username=demo&password=a%26b+c"},
		{"with a charset", "/token", formType + "; charset=UTF-8", "grant_type=password&username=demo&password=a%26b+c"},
		{"type in upper case", "/token", strings.ToUpper(formType), "grant_type=password&username=demo&password=a%26b+c"},
		{"with the realm of the routing layer", "/token?realm=/customers", formType, "grant_type=password&username=demo&password=a%26b+c"},
		{"with a query that says nothing", "/token?", formType, "&grant_type=password&&username=demo&password=a%26b+c&"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := post(test.target, test.body)
			r.Header.Set("Content-Type", test.contentType)
			form, err := wire.ReadForm(r)
			if err != nil {
				t.Fatal(err)
			}
			if form.Get("grant_type") != "password" || form.Get("username") != "demo" || form.Get("password") != "a&b c" {
				t.Errorf("read %v", form)
			}
			if form.Has("realm") {
				t.Error("the query became part of the form")
			}
		})
	}
}

func TestAS19_A37_OnlyPOST(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "POSTS"} {
		t.Run(method, func(t *testing.T) {
			r := post("/token?token=x", "token=x")
			r.Method = method
			_, err := wire.ReadForm(r)
			refused(t, err, "method_not_allowed", http.StatusMethodNotAllowed)
			w := httptest.NewRecorder()
			wire.Error(w, err)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
				t.Errorf("status %d, Allow %q", w.Code, w.Header().Get("Allow"))
			}
		})
	}
}

func TestAS20_NothingInTheQuery(t *testing.T) {
	for _, query := range []string{
		"client_id=web&client_secret=forgerock", "username=demo&password=x", "token=x", "code=x",
		"realm=/customers&client_secret=x", "client%5Fsecret=x", "anything=x", "realm=%zz",
	} {
		_, err := wire.ReadForm(post("/token?"+query, "grant_type=client_credentials"))
		refused(t, err, "invalid_request", http.StatusBadRequest)
	}
	// The authorization endpoint takes both, and calls ReadBody for the body.
	if form, err := wire.ReadBody(post("/authorize?client_id=web", "decision=allow")); err != nil || form.Get("decision") != "allow" || form.Has("client_id") {
		t.Errorf("ReadBody = %v, %v", form, err)
	}
}

func TestAS18_A36_RepeatedParameters(t *testing.T) {
	for _, name := range []string{"client_id", "redirect_uri", "code", "scope", "grant_type", "unknown"} {
		for where, r := range map[string]*http.Request{
			"twice in the body":           post("/token", name+"=a&"+name+"=b"),
			"twice with one value":        post("/token", name+"=a&"+name+"=a"),
			"twice, once empty":           post("/token", name+"=a&"+name+"="),
			"once encoded":                post("/token", name+"=a&%"+hexOf(name[0])+name[1:]+"=b"),
			"in the query":                post("/token?"+name+"=a&"+name+"=b", "x=y"),
			"once in query, once in body": post("/token?"+name+"=a", name+"=a"),
		} {
			t.Run(name+" "+where, func(t *testing.T) {
				_, err := wire.ReadForm(r)
				refused(t, err, "invalid_request", http.StatusBadRequest)
			})
		}
	}
	_, err := wire.ReadForm(post("/token?realm=/a&realm=/b", "x=y"))
	refused(t, err, "invalid_request", http.StatusBadRequest)

	form, err := wire.ReadForm(post("/token", "resource=a&resource=b"), "resource")
	if err != nil || len(form.List("resource")) != 2 {
		t.Errorf("a repeatable parameter: %v, %v", form.List("resource"), err)
	}
}

func hexOf(c byte) string { return string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]) }

func TestA39_BadContentType(t *testing.T) {
	for _, contentType := range []string{
		"", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded-not",
		"application", ";", formType + "; charset", formType + ", application/json",
	} {
		r := post("/token", "grant_type=client_credentials")
		r.Header.Set("Content-Type", contentType)
		_, err := wire.ReadForm(r)
		refused(t, err, "invalid_request", http.StatusBadRequest)
	}
	r := post("/token", "grant_type=client_credentials")
	r.Header.Add("Content-Type", "application/json")
	_, err := wire.ReadForm(r)
	refused(t, err, "invalid_request", http.StatusBadRequest)

	r = post("/token", "grant_type=client_credentials")
	r.Header.Set("Content-Encoding", "gzip")
	_, err = wire.ReadForm(r)
	refused(t, err, "invalid_request", http.StatusBadRequest)
}

func TestA39_BadForms(t *testing.T) {
	for name, body := range map[string]string{
		"bad escape":          "code=%zz",
		"cut escape":          "code=%a",
		"bad escape in name":  "co%de=x",
		"invalid UTF-8":       "code=%ff",
		"raw invalid UTF-8":   "code=\xff",
		"NUL":                 "code=a%00b",
		"semicolon":           "code=a;scope=b",
		"100 000 parameters":  strings.Repeat("a&", 100_000)[:oauth.MaxFormBytes],
		"101 parameters":      strings.Repeat("&", oauth.MaxFormParameters) + "a=b",
		"JSON sent as a form": `{"grant_type":"a&b","grant_type":"c%"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.ReadForm(post("/token", body))
			refused(t, err, "invalid_request", http.StatusBadRequest)
		})
	}
	form, err := wire.ReadForm(post("/token", "scope=&unknown=x&state"))
	if err != nil || form.Has("scope") || form.Has("state") {
		t.Errorf("empty values are omitted ones, unknown names are ignored: %v, %v", form, err)
	}
}

// endless never ends, and counts what is taken of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

func TestA39_EndlessBodyIs413(t *testing.T) {
	body := &endless{}
	r := httptest.NewRequest(http.MethodPost, "/token", io.LimitReader(body, 100<<20))
	r.Header.Set("Content-Type", formType)
	_, err := wire.ReadForm(r)
	refused(t, err, "invalid_request", http.StatusRequestEntityTooLarge)
	if body.read > 2*oauth.MaxFormBytes {
		t.Errorf("%d bytes were read of it", body.read)
	}
	largest := "a=" + strings.Repeat("b", oauth.MaxFormBytes-2)
	if _, err := wire.ReadForm(post("/token", largest)); err != nil {
		t.Errorf("the largest body: %v", err)
	}
	_, err = wire.ReadForm(post("/token", largest+"c"))
	refused(t, err, "invalid_request", http.StatusRequestEntityTooLarge)
}

func TestA39_BodyThatBreaksOff(t *testing.T) {
	cause := errors.New("connection reset by demo's password")
	r := httptest.NewRequest(http.MethodPost, "/token", io.MultiReader(strings.NewReader("a=b"), failing{cause}))
	r.Header.Set("Content-Type", formType)
	_, err := wire.ReadForm(r)
	description := refused(t, err, "invalid_request", http.StatusBadRequest)
	if !errors.Is(err, cause) || strings.Contains(description, "reset") {
		t.Errorf("the cause belongs in the log only: %q", description)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReadForm(f *testing.F) {
	f.Add("realm=/customers", formType, "grant_type=password&username=demo")
	f.Add("", formType+"; charset=utf-8", "a=b&a=c")
	f.Add("token=x", "multipart/form-data; boundary=x", "--x--")
	f.Add("%zz", ";", "%00")
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		r := post("/token", body)
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", contentType)
		form, err := wire.ReadForm(r)
		if err != nil {
			if e := oauth.AsError(err); e.Status != http.StatusBadRequest && e.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d for query %q, type %q, body %q", e.Status, query, contentType, body)
			}
			return
		}
		if again, err := oauth.ParseForm(body); err != nil || again.String() != form.String() {
			t.Errorf("read %v of body %q and query %q", form, body, query)
		}
	})
}
