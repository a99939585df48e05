package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// onPage signs in on the page and gives the status of the answer, how long to wait
// and the page.
func (p *pair) onPage(username, password string) (status int, retryAfter, page string) {
	p.t.Helper()
	form := p.visit(home, "login", "", "")
	body := url.Values{"form_token": {formToken(p.t, form)}, "username": {username}, "password": {password}}
	answer := p.do(p.pageRequest(http.MethodPost, home, "login", "", form.Result().Cookies()[0].Value, body))
	text := challengeField.ReplaceAllString(formTokenField.ReplaceAllString(answer.Body.String(), ""), "")
	return answer.Code, answer.Header().Get("Retry-After"), strings.ReplaceAll(text, username, "USER")
}

// On the page as in the grant: unknown, wrong and disabled cost the same hashing
// and get the same answers, and limited ones cost none (AS62, PG16).
func TestAS62_PG16_UnknownWrongAndLockedAreAlikeOnThePage(t *testing.T) {
	type answer struct {
		status     int
		retryAfter string
		page       string
		hashes     int64
	}
	f := newFileHouse(t)
	writeFile(t, f.path, "users:\n  demo: {password: '"+demoHash+"'}\n  quitter: {password: '"+demoHash+"', disabled: true}\n")
	f.reload(f.path)
	var first []answer
	for _, try := range [][2]string{{"demo", "wrong"}, {"nobody", "wrong"}, {"quitter", "Ch4ng31t"}} {
		var answers []answer
		for range 8 {
			before := f.Hasher.Calls(hashing.Bcrypt)
			status, retryAfter, page := f.onPage(try[0], try[1])
			answers = append(answers, answer{status, retryAfter, page, f.Hasher.Calls(hashing.Bcrypt) - before})
		}
		if first == nil {
			first = answers
		}
		for n, got := range answers {
			if got != first[n] {
				t.Errorf("%s, try %d: %+v, want %+v", try[0], n, got, first[n])
			}
			limited := n >= 5
			if limited != (got.status == http.StatusTooManyRequests) || limited != (got.retryAfter == "1") || limited != (got.hashes == 0) || got.hashes > 1 {
				t.Errorf("%s, try %d: %d after %q, %d hashes", try[0], n, got.status, got.retryAfter, got.hashes)
			}
		}
	}
	if !strings.Contains(first[5].page, "too many attempts") {
		t.Errorf("the page says %s", first[5].page)
	}
	f.Clock.Advance(time.Second)
	if status, _, page := f.onPage("demo", "Ch4ng31t"); status != http.StatusSeeOther && status != http.StatusFound {
		t.Errorf("a second later: %d %s", status, page)
	}
}

func TestLimitsOfARealmAreChecked(t *testing.T) {
	h := newHouse(t)
	for _, change := range []func(*realm.Settings){
		func(s *realm.Settings) { s.Limits.LockAfter = 101 },
		func(s *realm.Settings) { s.Limits.PerSource.Count = -1 },
	} {
		settings := h.config.Realms[0]
		change(&settings)
		if err := settings.Check(); err == nil || !strings.Contains(err.Error(), "sign_in_limits") {
			t.Errorf("%v", err)
		}
	}
}
