package faults

import (
	"slices"
	"sync"
	"time"
)

// check compares the record of every client with what a new process says. The
// clients go on from there.
func (w *world) check() {
	var all sync.WaitGroup
	for _, c := range w.clients {
		all.Go(c.check)
	}
	all.Wait()
}

func (c *client) check() {
	c.checkSessions()
	c.checkCodes()
	for _, f := range slices.Clone(c.families) {
		c.checkFamily(f)
	}
	c.replayCode()
	for _, f := range c.ended {
		c.checkEnded(f)
	}
	for _, token := range c.tokens {
		c.wants("a token of client credentials", c.w.callAPI(token), true)
	}
}

// wants sees that a token still is what was acknowledged: good, or dead.
func (c *client) wants(what string, a answer, good bool) {
	if good && !a.good() || !good && !a.refused() {
		c.w.ledger.complain(&c.w.ledger.lost, "%s: status %d: %s", what, a.status, a.body)
	}
}

// wantsDead sees that no gateway takes a token, as soon as it must have heard.
func (c *client) wantsDead(what, token string) {
	a := c.w.callAPI(token)
	for deadline := time.Now().Add(c.w.spread); !a.refused() && time.Now().Before(deadline); a = c.w.callAPI(token) {
		<-time.After(20 * time.Millisecond)
	}
	c.wants(what, a, false)
}

// checkSessions: who was signed in is signed in.
func (c *client) checkSessions() {
	check := func(what string, a answer, code string, issued time.Time) {
		if code == "" {
			c.w.ledger.complain(&c.w.ledger.sessions, "%s: status %d: %s", what, a.status, a.body)
			return
		}
		c.codes = append(c.codes, pendingCode{code: code, issued: issued})
	}
	if c.session != "" {
		issued := c.w.now()
		a, code := c.w.authorize(c.session)
		check("a program's session", a, code, issued)
	}
	if c.signedIn {
		issued := c.w.now()
		a, _, code := c.browser.authorize()
		check("a browser's session", a, code, issued)
	}
}

// checkCodes redeems the codes that are there. One whose redemption was not
// answered may be spent: its user signs in again. Redeemed here, it is spent.
func (c *client) checkCodes() {
	for _, pending := range c.codes {
		a := c.w.exchange(pending.code)
		switch {
		case a.good():
			c.families = append(c.families, begun(pending.code, a))
		case a.refused() && (pending.sent || !pending.fresh()):
		default:
			c.w.ledger.complain(&c.w.ledger.lost, "a code: status %d: %s", a.status, a.body)
		}
	}
	c.codes = nil
}

// checkFamily: the newest acknowledged refresh token works, and when the answer
// to it was lost, it gives the same successor as often as it is asked.
func (c *client) checkFamily(f *family) {
	_, before := place(f.refresh)
	old, lost := f.refresh, f.pending
	a := c.w.refresh(old)
	c.wants("the newest refresh token", a, true)
	if !a.good() {
		c.families = slices.DeleteFunc(c.families, func(other *family) bool { return other == f })
		return
	}
	if _, after := place(a.text("refresh_token")); after != before+1 {
		c.w.ledger.complain(&c.w.ledger.double, "generation %d follows on %d", after, before)
	}
	f.renew(a)
	if again := c.w.refresh(old); lost && again.text("refresh_token") != f.refresh {
		c.w.ledger.complain(&c.w.ledger.double, "a refresh token has two successors: status %d: %s", again.status, again.body)
	}
	for _, token := range f.access {
		c.wants("an access token", c.w.callAPI(token), true)
	}
	for _, token := range f.dead {
		c.wantsDead("a revoked access token", token)
	}
}

// replayCode shows the code of the oldest family again: it is still spent, and
// ends the family.
func (c *client) replayCode() {
	if len(c.families) < maxFamilies {
		return
	}
	f := c.families[0]
	c.families = c.families[1:]
	if a := c.w.exchange(f.code); !a.refused() {
		c.w.ledger.complain(&c.w.ledger.double, "a spent code: status %d: %s", a.status, a.body)
	}
	f.ending, f.ended = true, true
	c.ended = append(c.ended, f)
	c.ended = c.ended[max(0, len(c.ended)-maxEnded):]
}

// checkEnded: a revoked family stays so. One whose revocation was not answered
// is revoked once more.
func (c *client) checkEnded(f *family) {
	if !f.ended {
		c.wants("a revocation", c.w.revoke(f.refresh), true)
		f.ended = true
	}
	c.wants("the refresh token of a revoked family", c.w.refresh(f.refresh), false)
	for _, token := range f.access {
		c.wantsDead("an access token of a revoked family", token)
	}
}
