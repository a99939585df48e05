package caddymodule

import (
	"slices"
	"strconv"
	"strings"
)

// inspected prints what is known of a token.
func (c adminClient) inspected(t *inspected) {
	if !t.Ours {
		c.printf("not ours: %s\n", t.Help)
		return
	}
	state := t.State
	if t.RevokedBy != "" {
		state += ", by its " + t.RevokedBy
	}
	c.printf("%s %s\n", strings.TrimSpace(t.Format+" "+strings.ReplaceAll(t.Kind, "_", " ")), state)
	row := func(name, text string) {
		if text != "" {
			c.printf("  %-10s %s\n", name, text)
		}
	}
	row("realm", t.Realm)
	row("issuer", t.Issuer)
	row("client", quoted(t.Client))
	row("subject", quoted(t.Subject))
	row("session", t.Session)
	row("jti", t.ID)
	row("scope", t.Scope)
	row("audience", strings.Join(t.Audience, " "))
	row("issued", moment(t.IssuedAt))
	row("signed in", moment(t.AuthTime))
	row("expires", moment(t.Expires))
	if t.Grant != nil {
		c.printf("grant ")
		c.grant(t.Grant)
	}
}

// grant prints one grant in a line.
func (c adminClient) grant(g *shownGrant) {
	c.printf("%s %s, client %q", g.ID, g.State, g.Client)
	for _, part := range []struct{ name, text string }{{"subject", g.Subject}, {"session", g.Session}, {"scope", g.Scope}} {
		if part.text != "" {
			c.printf(" %s %q", part.name, part.text)
		}
	}
	c.printf(", %s of %s", g.Type, moment(g.Created))
	if g.Generation > 0 {
		c.printf(", refresh token %d until %s", g.Generation, ends(g.Expires))
	}
	c.printf("\n")
}

// sessions prints all sessions of a user, newest first. Their ids, by which there
// are pages of them, say nothing of their age.
func (c adminClient) sessions(all []shownSession) {
	slices.SortStableFunc(all, func(a, b shownSession) int { return b.AuthTime.Compare(a.AuthTime) })
	for i := range all {
		s := &all[i]
		c.printf("%s %s, subject %q of %q, signed in %s, ends %s\n", s.ID, s.Kind, s.Subject, s.Service,
			moment(s.AuthTime), ends(s.Expires))
	}
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return strconv.Quote(text)
}
