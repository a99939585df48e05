package people

import (
	"regexp"
	"strings"
	"testing"
)

const tooMany = "There were too many attempts."

var theWait = regexp.MustCompile(`Wait \d+ seconds?`)

func TestAS64_PG16_TooManyAttempts(t *testing.T) {
	w := newWorld(t, `sign_in_limits {
		backoff_after 2
		lock_after 2
		lock_for 10s
	}`)
	told := map[string]string{}
	tabs := map[string]*tab{username: newTab(t), "nobody": newTab(t)}
	for name, b := range tabs {
		b.open(w.request())
		b.signIn(name, "wrong")
		b.wants("Wrong username or password.")
		// The wait may be over between two tries on a slow machine.
		b.until("locked", func() bool {
			b.signIn(name, "wrong")
			return strings.Contains(b.text(), tooMany)
		})
		b.wants(" second")
		// One of them may have waited for a second already.
		told[name] = theWait.ReplaceAllString(strings.ReplaceAll(read(b, outerHTML("main")), name, "NAME"), "Wait")
		b.accessible("too many attempts")
	}
	if known, unknown := withoutTokens(told[username]), withoutTokens(told["nobody"]); known != unknown {
		t.Errorf("PG16: who there is can be told from who there is not:\n%s\n%s", known, unknown)
	}
	// It ends by itself, and what was tried meanwhile has made it no longer.
	b := tabs[username]
	b.until("signed in after the wait", func() bool {
		b.signIn(username, password)
		return strings.HasPrefix(b.at(), w.issuer+"/consent")
	})
	b.wants("The Shop", username)
}
