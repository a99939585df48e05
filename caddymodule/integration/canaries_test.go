package integration

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// canaries are secrets that must not be found where they do not belong (F30).
type canaries struct {
	test *testing.T
	mu   sync.Mutex
	// forms has what to look for, and what it is.
	forms map[string]string
	// texts are what was collected, by where it comes from.
	texts map[string]string
}

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	return &canaries{test: t, forms: map[string]string{}, texts: map[string]string{}}
}

// plant adds a secret in the forms in which it could come to light, and gives it
// back.
func (c *canaries) plant(what, secret string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := []byte(secret)
	for _, form := range []string{
		secret, url.QueryEscape(secret), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
		base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
	} {
		c.forms[form] = what
	}
	return secret
}

// plantToken adds a token: of a JWT what stands behind the header, which is the
// same for all tokens of a key. Whatever part of it is long enough to be of use to
// a thief counts, too.
func (c *canaries) plantToken(what, token string) string {
	parts := strings.Split(token, ".")
	if len(parts) == 1 {
		return c.plant(what, token)
	}
	for _, part := range parts[1:] {
		if len(part) < 12 {
			continue
		}
		if c.plant(what, part); len(part) > 60 {
			c.plant("a part of "+what, part[len(part)-30:])
		}
	}
	return token
}

// collect keeps a text for the search.
func (c *canaries) collect(where, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts[where] += text
}

// fetch collects what an address answers to a GET, or to a POST of a body.
func (c *canaries) fetch(address, body string) string {
	c.test.Helper()
	_, text := ask(c.test, func() (*http.Request, error) {
		if body == "" {
			return http.NewRequest(http.MethodGet, address, nil)
		}
		return http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	})
	path := address[strings.Index(address, "//")+2:]
	c.collect(path[strings.Index(path, "/"):], text)
	return text
}

// collectFiles keeps the content of all files below a folder.
func (c *canaries) collectFiles(when, folder string) {
	c.test.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		c.collect(when+" "+strings.TrimPrefix(path, folder), string(content))
		return err
	})
	if err != nil {
		c.test.Fatal(err)
	}
}

// wantNone fails the test for each canary that is in a collected text.
func (c *canaries) wantNone() {
	c.test.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for where, text := range c.texts {
		for form, what := range c.forms {
			at := strings.Index(text, form)
			if at < 0 {
				continue
			}
			c.test.Errorf("%s is in %s:\n…%q…", what, where, text[max(0, at-200):min(len(text), at+len(form)+50)])
		}
	}
}

// plantAnswer plants the tokens of a token endpoint's answer.
func (c *canaries) plantAnswer(what string, answer map[string]any) string {
	for _, name := range []string{"refresh_token", "id_token"} {
		if token, there := answer[name].(string); there {
			c.plantToken(name+" "+what, token)
		}
	}
	return c.plantToken(what, text(c.test, answer, "access_token"))
}

// spy is a server that takes whatever credentials it is sent for canaries.
func (c *canaries) spy(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if scheme, credentials, two := strings.Cut(r.Header.Get("Authorization"), " "); two {
			c.plantToken(scheme+" credentials that the gateway sent", credentials)
		}
		if assertion := r.Header.Get("X-Identity-Assertion"); assertion != "" {
			c.plantToken("an identity assertion", assertion)
		}
		if r.Method == http.MethodPost {
			for _, name := range []string{"client_assertion", "client_secret"} {
				if value := r.PostFormValue(name); value != "" {
					c.plantToken(name, value)
				}
			}
		}
		next(w, r)
	})
}

// drain reads an answer into the collected texts: nobody gets back what he sent.
func (c *canaries) drain(where string, response *http.Response) {
	c.test.Helper()
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.test.Fatal(err)
	}
	var head strings.Builder
	_ = response.Header.Write(&head)
	c.collect("the answer "+where, head.String()+string(body))
}
