package introspect

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7519 §4.1.6 (iat) and §4.1.7 (jti)

// DenialKind is what an entry of a DenyList speaks of.
type DenialKind string

// Kinds of a Denial.
const (
	// DenyToken is one token, by its jti.
	DenyToken DenialKind = "jti"
	// DenySubject is all tokens of a subject.
	DenySubject DenialKind = "sub"
	// DenySession is all tokens of a session, by sid.
	DenySession DenialKind = "sid"
	// DenyClient is all tokens of a client.
	DenyClient DenialKind = "client"
)

// Denial is one entry of a DenyList.
type Denial struct {
	// ID names it to operators.
	ID string
	// Kind and Value say which tokens it speaks of; Issuer, when there is one,
	// that it speaks of those of this issuer alone.
	Kind          DenialKind
	Value, Issuer string
	// NotBefore spares tokens that were issued after that second, so that a
	// subject or a client can go on with new ones. Zero spares none.
	NotBefore time.Time
	// Expires is when it says nothing more. Created is for the operator.
	Expires, Created time.Time
	// Removed takes the entry off the list.
	Removed bool
}

// DenyList is what operators have revoked before its time, whoever issued it.
// nil denies nothing.
//
// It is fed from outside and read without a lock: each change makes a new map.
type DenyList struct {
	now     func() time.Time
	mu      sync.Mutex // one Apply at a time
	current atomic.Pointer[denials]
}

// denials is one state of a DenyList.
type denials struct {
	entries map[denialKey]*Denial
	// kinds has the kinds that are there, so that nobody looks for others.
	kinds []DenialKind
}

type denialKey struct {
	kind          DenialKind
	value, issuer string
}

// NewDenyList makes a DenyList that is not ready before the first Apply.
func NewDenyList(now func() time.Time) *DenyList { return &DenyList{now: now} }

// Apply takes over changes: new entries, those that replace one of the same
// kind, value and issuer, and those that are removed. Expired entries go.
func (d *DenyList) Apply(changes []Denial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := &denials{entries: map[denialKey]*Denial{}}
	if current := d.current.Load(); current != nil {
		if len(changes) == 0 {
			return
		}
		next.entries = maps.Clone(current.entries)
	}
	for _, change := range changes {
		next.entries[change.key()] = &change
	}
	now := d.now()
	maps.DeleteFunc(next.entries, func(_ denialKey, entry *Denial) bool { return entry.Removed || entry.over(now) })
	for key := range next.entries {
		if !slices.Contains(next.kinds, key.kind) {
			next.kinds = append(next.kinds, key.kind)
		}
	}
	d.current.Store(next)
}

// Has says whether there is an entry for the same kind, value and issuer.
func (d *DenyList) Has(entry Denial) bool {
	current := d.current.Load()
	return current != nil && current.entries[entry.key()] != nil
}

// Len is how many entries there are; some may have ended.
func (d *DenyList) Len() int {
	if current := d.current.Load(); current != nil {
		return len(current.entries)
	}
	return 0
}

// List gives the entries that hold now, by ID.
func (d *DenyList) List() []Denial {
	var list []Denial
	if d == nil || !d.ready() {
		return nil
	}
	now := d.now()
	for _, entry := range d.current.Load().entries {
		if !entry.over(now) {
			list = append(list, *entry)
		}
	}
	slices.SortFunc(list, func(a, b Denial) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// denies says whether a token is on the list.
func (d *DenyList) denies(token *Token) bool { return d.find(token) != nil }

// find gives the entry that denies a token; nil when none does. It is asked on
// every request: it takes no lock and, while nothing is found, allocates nothing.
func (d *DenyList) find(token *Token) *Denial {
	if d == nil {
		return nil
	}
	current := d.current.Load()
	if current == nil {
		return nil
	}
	for _, kind := range current.kinds {
		value := kind.of(token)
		if value == "" {
			continue
		}
		for _, issuer := range [...]string{"", token.Issuer} {
			entry := current.entries[denialKey{kind, value, issuer}]
			if entry != nil && !entry.over(d.now()) && entry.covers(token) {
				return entry
			}
		}
	}
	return nil
}

// ready says whether the list has been read: until then nobody can tell.
func (d *DenyList) ready() bool { return d == nil || d.current.Load() != nil }

// of is what a token says of a kind; "" for nothing.
func (k DenialKind) of(token *Token) string {
	switch k {
	case DenyToken:
		return token.ID
	case DenySubject:
		return token.Subject
	case DenyClient:
		return token.ClientID
	case DenySession:
		if token.SessionID != "" {
			return token.SessionID
		}
		return token.session()
	default:
		return ""
	}
}

// covers says whether the token is old enough for the entry. Times are whole
// seconds, so a token of the very second of NotBefore counts as issued before
// it; and one that does not say when it was issued may have been.
func (d *Denial) covers(token *Token) bool {
	if d.NotBefore.IsZero() {
		return true
	}
	issuedAt, there, ok := oauth.NumericDate(token.Claims.All(), "iat")
	return !there || !ok || issuedAt <= d.NotBefore.Unix()
}

func (d *Denial) key() denialKey { return denialKey{d.Kind, d.Value, d.Issuer} }

func (d *Denial) over(now time.Time) bool { return !now.Before(d.Expires) }
