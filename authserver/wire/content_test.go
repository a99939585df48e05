package wire_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// sender is a writer that could send files.
type sender struct {
	*httptest.ResponseRecorder
	writes int
	sent   bool
}

func (s *sender) Write(p []byte) (int, error) {
	s.writes++
	return s.ResponseRecorder.Write(p)
}

func (s *sender) ReadFrom(r io.Reader) (int64, error) {
	s.sent = true
	return io.Copy(s.ResponseRecorder, r)
}

func TestContent(t *testing.T) {
	content := strings.Repeat("x", 10_000)
	for _, test := range []struct {
		method, header, value string
		status, length        int
	}{
		{http.MethodGet, "", "", 200, len(content)},
		{http.MethodHead, "", "", 200, 0},
		{http.MethodGet, "If-None-Match", `"a", "tag"`, 304, 0},
		{http.MethodGet, "If-None-Match", `"other"`, 200, len(content)},
		{http.MethodGet, "Range", "bytes=1-3", 206, 3},
		{http.MethodGet, "Range", "bytes=10000-", 416, -1},
	} {
		w := &sender{ResponseRecorder: httptest.NewRecorder()}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"tag"`)
		r := httptest.NewRequest(test.method, "/", nil)
		r.Header.Set(test.header, test.value)
		wire.Content(w, r, []byte(content))
		if w.Code != test.status || test.length >= 0 && w.Body.Len() != test.length {
			t.Errorf("%+v: %d, %d bytes", test, w.Code, w.Body.Len())
		}
		if w.sent || test.status == 200 && test.length > 0 && w.writes != 1 {
			t.Errorf("%+v: sent as a file or in %d writes", test, w.writes)
		}
	}
}
