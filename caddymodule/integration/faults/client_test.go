package faults

import (
	"math/rand/v2"
	"slices"
	"time"
)

// The bounds of what one client keeps in its hands.
const (
	maxFamilies = 5
	maxEnded    = 5
	maxTokens   = 5
)

// client is one of many that use the server. It keeps the record of what it was
// told. One goroutine at a time works with it.
type client struct {
	w      *world
	random *rand.Rand

	// sent is when the request under way was sent, written when the last one was
	// sent that was answered and had to write.
	sent, written time.Time

	// session is of a program, browser has one when signedIn.
	session  string
	browser  *browser
	signedIn bool
	codes    []pendingCode
	families []*family
	ended    []*family
	tokens   []string // of client credentials
}

func newClient(w *world, n uint64) *client {
	return &client{w: w, browser: newBrowser(w), random: rand.New(rand.NewPCG(n, rand.Uint64()))}
}

// work uses the server until stop is closed or the process ends.
func (c *client) work(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if !c.step() {
			return
		}
	}
}

// step sends one request, or two. It is false when the process has ended.
func (c *client) step() bool {
	c.sent = c.w.now()
	if c.session == "" {
		return c.signIn()
	}
	if !c.signedIn {
		return c.signInOnThePage()
	}
	if len(c.codes) > 0 {
		return c.redeem()
	}
	if len(c.families) < maxFamilies {
		return c.authorize()
	}
	f := c.families[c.random.IntN(len(c.families))]
	switch n := c.random.IntN(100); {
	case n < 45:
		return c.refresh(f)
	case n < 60:
		return c.use(f)
	case n < 70:
		return c.introspect(f)
	case n < 78:
		return c.credentials()
	case n < 86:
		return c.userInfo(f)
	case n < 92:
		return c.revokeAccess(f)
	case n < 97:
		return c.end(f)
	case n < 99:
		return c.signIn()
	default:
		return c.signInOnThePage()
	}
}

// What a request needs of the store, and so which fault excuses a 503.
const (
	nothing = unreadable + 1
	reads   = unreadable
	writes  = unwritable
)

// took judges an answer: done says that it is good, else later says whether to
// go on. What is not good is right only when the process ended, or when the disk
// is at fault and the request needs it.
func (c *client) took(what string, needs int32, a answer, good bool) (done, later bool) {
	switch {
	case good && needs == writes && c.w.fault.Load() == unreadable:
		// Without power nobody would have got this answer. A sync that the end of
		// the file system overtakes may even succeed.
		return false, true
	case good:
		if needs == writes {
			c.written = c.sent
		}
		c.w.ledger.acknowledged.add()
		return true, true
	case !a.whole:
		if !c.w.node.gone() {
			c.w.ledger.complain(&c.w.ledger.wrong, "%s: a process that lives cut the answer off: status %d: %q", what, a.status, a.body)
		}
		c.w.ledger.cut.add()
		return false, false
	case a.unavailable() && c.w.fault.Load() >= needs:
		c.w.ledger.unavailable.add()
		return false, true
	}
	c.w.ledger.complain(&c.w.ledger.wrong, "%s: status %d: %s", what, a.status, a.body)
	return false, true
}

func (c *client) signIn() bool {
	a := c.w.signIn()
	session := a.text("tokenId")
	done, later := c.took("sign in", writes, a, a.good() && session != "")
	if done {
		c.session = session
	}
	return later
}

func (c *client) signInOnThePage() bool {
	c.signedIn = false
	a, code := c.browser.signIn()
	done, later := c.took("sign in on the page", writes, a, a.good() && code != "")
	if done {
		c.signedIn = true
		c.codes = append(c.codes, pendingCode{code: code, issued: c.sent})
	}
	return later
}

// authorize asks for a code, with one session or the other.
func (c *client) authorize() bool {
	var a answer
	var code string
	if c.random.IntN(2) == 0 {
		a, code = c.w.authorize(c.session)
	} else {
		a, _, code = c.browser.authorize()
	}
	done, later := c.took("authorize", writes, a, a.good() && code != "")
	if done {
		c.codes = append(c.codes, pendingCode{code: code, issued: c.sent})
	}
	return later
}

// redeem begins a family.
func (c *client) redeem() bool {
	pending := &c.codes[0]
	mayBeSpent := pending.sent || !pending.fresh()
	pending.sent = true
	a := c.w.exchange(pending.code)
	done, later := c.took("redeem a code", writes, a, a.good() || a.refused() && mayBeSpent)
	if done {
		if a.good() {
			c.families = append(c.families, begun(pending.code, a))
		}
		c.codes = slices.Delete(c.codes, 0, 1)
	}
	return later
}

func begun(code string, a answer) *family {
	return &family{code: code, refresh: a.text("refresh_token"), access: []string{a.text("access_token")}}
}

func (c *client) refresh(f *family) bool {
	f.pending = true
	a := c.w.refresh(f.refresh)
	done, later := c.took("refresh", writes, a, a.good())
	if done {
		f.renew(a)
	}
	return later
}

// renew keeps what a refresh gave.
func (f *family) renew(a answer) {
	f.refresh, f.pending = a.text("refresh_token"), false
	f.access = append(f.access, a.text("access_token"))
	f.access = f.access[max(0, len(f.access)-3):]
}

func (c *client) use(f *family) bool {
	if len(f.access) == 0 {
		return true
	}
	a := c.w.callAPI(f.access[c.random.IntN(len(f.access))])
	_, later := c.took("call the API", nothing, a, a.good())
	return later
}

func (c *client) introspect(f *family) bool {
	a := c.w.post("introspect", map[string]string{"token": f.refresh})
	// The newest one acknowledged may be replaced by one whose answer was lost.
	_, later := c.took("introspect", reads, a, a.good() && (f.pending || a.isTrue("active")))
	return later
}

func (c *client) userInfo(f *family) bool {
	if len(f.access) == 0 {
		return true
	}
	a := c.w.userInfo(f.access[len(f.access)-1])
	_, later := c.took("userinfo", reads, a, a.good() && a.text("sub") == username)
	return later
}

func (c *client) credentials() bool {
	a := c.w.credentials()
	done, later := c.took("client credentials", nothing, a, a.good())
	if done {
		c.tokens = append(c.tokens, a.text("access_token"))
		c.tokens = c.tokens[max(0, len(c.tokens)-maxTokens):]
	}
	return later
}

func (c *client) revokeAccess(f *family) bool {
	if f.dying == "" {
		if len(f.access) == 0 {
			return true
		}
		f.dying, f.access = f.access[0], f.access[1:]
	}
	a := c.w.revoke(f.dying)
	done, later := c.took("revoke an access token", writes, a, a.good())
	if done {
		f.dead = append(f.dead, f.dying)
		f.dead, f.dying = f.dead[max(0, len(f.dead)-3):], ""
	}
	return later
}

// end revokes a family.
func (c *client) end(f *family) bool {
	if !f.ending {
		f.ending = true
		c.families = slices.DeleteFunc(c.families, func(other *family) bool { return other == f })
		c.ended = append(c.ended, f)
		c.ended = c.ended[max(0, len(c.ended)-maxEnded):]
	}
	a := c.w.revoke(f.refresh)
	done, later := c.took("revoke a refresh token", writes, a, a.good())
	f.ended = f.ended || done
	return later
}
