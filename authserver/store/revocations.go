package store

import (
	"context"
	"time"
)

// Revocations ends tokens before their time. Each method is one decision: who
// reads the log afterwards knows all of it.
type Revocations interface {
	// RevokeGrant ends a grant and with it all its tokens, and records that in
	// the revocation log for as long as an access token of it can be alive
	// (MaxAccessTokenLifetime, or until the row goes). Revoking an unknown or
	// revoked grant is no error.
	RevokeGrant(ctx context.Context, realm, id string, now time.Time) error
	// RevokeToken records that one access token is dead until it expires.
	// Repeating it is no error.
	RevokeToken(ctx context.Context, realm, tokenID string, expires, now time.Time) error
	// RevokeAll ends every grant that is there of a subject, client, session or
	// consent. In one step it writes one entry of the revocation log, which ends
	// the tokens of all of them whatever their number; ends the sessions of a
	// subject or the session itself, and forgets the consent; and ends the newest
	// grants. With a session its grants end but those that outlive it, and the
	// clients of a session are to be told (Logouts). The others follow in steps of their own; when it fails between them
	// DeleteExpired does the rest, which also ends, a while later, what was being
	// granted at that moment. Revoking what is not there is no error: the entry
	// stands for tokens without a grant too.
	RevokeAll(ctx context.Context, reach Reach, now time.Time) (Ended, error)
	// Revocations reads a page of the revocation log after a position (0: from the
	// start), oldest first, and gives the position to go on from: the same one when
	// there is no more. Entries that have expired by now are left out.
	Revocations(ctx context.Context, after int64, now time.Time) (entries []Revocation, next int64, err error)
}

// MaxAccessTokenLifetime bounds the lifetime of access tokens, whatever the
// configuration of the time says: the revocation log keeps an ended grant for
// that long and not for the life of its refresh tokens, which the grant's own
// row refuses.
const MaxAccessTokenLifetime = 24 * time.Hour

// Revocation is one entry of the revocation log.
type Revocation struct {
	Realm string
	// Kind says what Key is: a token's jti, a grant's id, a subject, a client's
	// id or a session's id.
	Kind RevocationKind
	Key  string
	// ClientID stands beside the subject in an entry of RevokedConsent.
	ClientID string
	// NotBefore spares what began after that second. Zero spares nothing.
	NotBefore time.Time
	// Expires is when no token that it speaks of can be alive any more.
	Expires time.Time
}

// RevocationKind is what an entry of the revocation log speaks of.
type RevocationKind int

const (
	// RevokedToken is one access token, by its jti.
	RevokedToken RevocationKind = 1
	// RevokedGrant is a grant with all its tokens, by its id.
	RevokedGrant RevocationKind = 2
	// RevokedSubject is all of a subject that rests on a sign-in up to NotBefore.
	RevokedSubject RevocationKind = 3
	// RevokedClient is all that a client was given up to NotBefore.
	RevokedClient RevocationKind = 4
	// RevokedSession is all that came of a session and does not outlive it.
	RevokedSession RevocationKind = 5
	// RevokedConsent is all that a subject let a client do up to NotBefore.
	RevokedConsent RevocationKind = 6
)

// String is the kind as operators read it, "" for none.
func (k RevocationKind) String() string {
	switch k {
	case RevokedToken:
		return "token"
	case RevokedGrant:
		return "grant"
	case RevokedSubject:
		return "subject"
	case RevokedClient:
		return "client"
	case RevokedSession:
		return "session"
	case RevokedConsent:
		return "consent"
	}
	return ""
}

// Reach says which grants of a realm are meant: those of a subject, of a client,
// of what a subject lets a client do (both), or of a session; or all of them.
type Reach struct {
	Realm, Subject, ClientID, SessionID string
}

// Kind is what an entry that revokes all of it speaks of; 0 when there is none.
func (r Reach) Kind() RevocationKind {
	switch {
	case r.SessionID != "" && r.Subject == "" && r.ClientID == "":
		return RevokedSession
	case r.SessionID != "":
		return 0
	case r.Subject != "" && r.ClientID != "":
		return RevokedConsent
	case r.Subject != "":
		return RevokedSubject
	case r.ClientID != "":
		return RevokedClient
	}
	return 0
}

// Revocation is the entry that revokes all of it as of now.
func (r Reach) Revocation(now time.Time) Revocation {
	entry := Revocation{
		Realm: r.Realm, Kind: r.Kind(), NotBefore: now,
		// A minute more, for an access token that is being minted right now.
		Expires: now.Add(MaxAccessTokenLifetime + time.Minute),
	}
	switch entry.Kind {
	case RevokedSession:
		entry.Key, entry.NotBefore = r.SessionID, time.Time{} // nothing new comes of it
	case RevokedClient:
		entry.Key = r.ClientID
	case RevokedConsent:
		entry.ClientID = r.ClientID
		fallthrough
	default:
		entry.Key = r.Subject
	}
	return entry
}

// Ended is what RevokeAll has ended.
type Ended struct {
	Grants, Sessions int
	// Consent says whether there was something that the user had agreed to.
	Consent bool
}
