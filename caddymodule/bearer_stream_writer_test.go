package caddymodule

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// follow gives a writer that is watched, what it writes to, and its stream.
func follow(t *testing.T) (http.ResponseWriter, *httptest.ResponseRecorder, *stream) {
	t.Helper()
	recorder := httptest.NewRecorder()
	s := new(BearerAuth).carried(verdict{token: new(introspect.Token)})
	w, _ := newStreamWatch(time.Now).follow(recorder, httptest.NewRequest(http.MethodGet, "/", nil), s)
	t.Cleanup(s.done)
	return w, recorder, s
}

// What makes an answer need not listen to the context of the request.
func TestRS35_NothingIsWrittenAfterTheCut(t *testing.T) {
	w, recorder, s := follow(t)
	if _, err := io.WriteString(w, "before"); err != nil {
		t.Fatal(err)
	}
	s.cut(time.Now())
	_, write := io.WriteString(w, "after")
	_, copied := io.Copy(w, strings.NewReader("after"))
	for name, err := range map[string]error{"write": write, "copy": copied, "flush": http.NewResponseController(w).Flush()} {
		if !errors.Is(err, errStreamCut) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := recorder.Body.String(); got != "before" {
		t.Errorf("the client got %q", got)
	}
}

// cutter gives zeros and cuts the answer that it is copied to.
type cutter struct {
	stream *stream
	left   int
}

func (c *cutter) Read(p []byte) (int, error) {
	if c.left--; c.left == 0 {
		c.stream.cut(time.Now())
	}
	return len(p), nil
}

func TestRS35_AFileIsCutInTheMiddle(t *testing.T) {
	w, recorder, s := follow(t)
	n, err := io.CopyN(w, &cutter{s, 20}, 1<<40)
	if !errors.Is(err, errStreamCut) || n != int64(recorder.Body.Len()) || n > 20*cutEvery {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestAnswersAreCopiedWhole(t *testing.T) {
	for _, size := range []int{0, 1, cutEvery - 1, cutEvery, cutEvery + 1, 3 * cutEvery} {
		content := bytes.Repeat([]byte("x"), size)
		w, recorder, _ := follow(t)
		if n, err := io.Copy(w, bytes.NewBuffer(content)); err != nil || n != int64(size) || !bytes.Equal(recorder.Body.Bytes(), content) {
			t.Errorf("%d bytes: %d, %v", size, n, err)
		}
		w, recorder, _ = follow(t)
		source := bytes.NewReader(append(content, "not of it"...))
		if n, err := io.CopyN(w, source, int64(size)); err != nil || n != int64(size) || recorder.Body.Len() != size || source.Len() != len("not of it") {
			t.Errorf("%d of more bytes: %d, %v", size, n, err)
		}
	}
}
