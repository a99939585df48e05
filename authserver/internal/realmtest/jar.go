package realmtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Jar is the cookies of a browser by name. It serves one site, so that all of them
// go with each request.
type Jar map[string]*http.Cookie

// Send sends a request to a handler with the cookies, and keeps those of the
// answer. headers are name, value.
func (j Jar) Send(handler http.Handler, request *http.Request, headers ...string) *httptest.ResponseRecorder {
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	for _, cookie := range j {
		request.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	for _, cookie := range recorder.Result().Cookies() {
		if j[cookie.Name] = cookie; cookie.MaxAge < 0 {
			delete(j, cookie.Name)
		}
	}
	return recorder
}

// Post is a form as a page sends it.
func Post(address string, form url.Values) *http.Request {
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}

// Field is the value of a hidden field of a page, such as form_token.
func Field(t testing.TB, page *httptest.ResponseRecorder, name string) string {
	t.Helper()
	match := regexp.MustCompile(`name="` + regexp.QuoteMeta(name) + `" value="([^"]+)"`).FindStringSubmatch(page.Body.String())
	if match == nil {
		t.Fatalf("status %d: no field %s in %s", page.Code, name, page.Body)
	}
	return match[1]
}
