package token

import (
	"strconv"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Lineage is what a revocation can name of a token: itself, and what it came of.
// A grant has one too, without an ID.
type Lineage struct {
	ID, GrantID, Subject, ClientID, SessionID string
	// IssuedAt and AuthTime are unix seconds; AuthTime is 0 without a sign-in.
	IssuedAt, AuthTime int64
}

// Lineage is what a revocation can name of the token.
func (a *Access) Lineage() Lineage {
	l := Lineage{
		ID: a.ID, GrantID: a.GrantID, Subject: a.Subject, ClientID: a.ClientID, SessionID: a.SessionID,
		IssuedAt: a.IssuedAt.Unix(),
	}
	if !a.AuthTime.IsZero() {
		l.AuthTime = a.AuthTime.Unix()
	}
	return l
}

// LineageOf is what a revocation can name of a grant. One that outlives its
// session does not end with it.
func LineageOf(grant *store.Grant) Lineage {
	l := Lineage{
		GrantID: grant.ID, Subject: grant.Subject, ClientID: grant.ClientID, SessionID: grant.SessionID,
		IssuedAt: grant.Created.Unix(),
	}
	if grant.Outlives() {
		l.SessionID = ""
	}
	if !grant.AuthTime.IsZero() {
		l.AuthTime = grant.AuthTime.Unix()
	}
	return l
}

// LineageOfSession is what a revocation can name of a session.
func LineageOfSession(session *store.Session) Lineage {
	return Lineage{
		Subject: session.Subject, SessionID: session.ID,
		IssuedAt: session.Created.Unix(), AuthTime: session.AuthTime.Unix(),
	}
}

// signedIn is the second of the sign-in that all of it rests on. Whoever revokes
// a subject means the sign-in: what an old session gives after that is as dead as
// what it gave before.
func (l *Lineage) signedIn() int64 {
	if l.AuthTime > 0 {
		return min(l.AuthTime, l.granted())
	}
	return l.granted()
}

// granted is the second in which it was granted. A token that was refreshed since
// is as old as its grant, whose id says when that began: another node may refresh
// in the moment before it hears of a revocation. A grant has its id from the page
// that asks for consent: one that was open at that moment counts as before it.
func (l *Lineage) granted() int64 {
	if !isHex(l.GrantID, grantIDDigits) {
		return l.IssuedAt
	}
	milliseconds, err := strconv.ParseInt(l.GrantID[:12], 16, 64)
	if err != nil {
		return l.IssuedAt
	}
	return min(l.IssuedAt, milliseconds/1000)
}
