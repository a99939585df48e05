package caddymodule

import (
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// memoTokens is how many tokens a memo remembers at least; twice as many at most,
// which is as many as the cache holds: preparing anew reads claims from their text.
const memoTokens = cacheTokens / 2

// prepared is what the upstream gets of one token on one route.
type prepared struct {
	values []string // nil when they are the request's as well, or refused

	assertion, exchanged signed
}

// memo remembers what was prepared, by verdict: another verdict on the same
// token is another key, so nothing here can be out of date. It has two
// generations, of which the older is dropped when the younger is full. It keeps
// no verdict alive: how much memory those take is bounded by their cache alone.
type memo struct {
	young, old atomic.Pointer[sync.Map] // weak.Pointer[introspect.Token] → *prepared
	count      atomic.Int64             // of young
}

func newMemo() *memo {
	m := new(memo)
	m.young.Store(new(sync.Map))
	return m
}

// of finds what was prepared of a token, or prepares it.
func (m *memo) of(token *introspect.Token, prepare func() *prepared) *prepared {
	key := weak.Make(token)
	young := m.young.Load()
	if found, ok := young.Load(key); ok {
		return found.(*prepared)
	}
	var entry any
	if old := m.old.Load(); old != nil {
		entry, _ = old.Load(key)
	}
	if entry == nil {
		entry = prepare()
	}
	entry, there := young.LoadOrStore(key, entry)
	if !there && m.count.Add(1) == memoTokens {
		m.old.Store(young)
		m.young.Store(new(sync.Map))
		m.count.Store(0)
	}
	return entry.(*prepared)
}

// signed is a signed text that is used again until half of its life is left.
type signed struct{ kept atomic.Pointer[signedText] }

type signedText struct {
	text  string
	until time.Time
}

// at gives the text that is good now. sign makes another one, and says from when
// to when it is good.
func (s *signed) at(now time.Time, sign func() (text string, issued, expires time.Time, err error)) (string, error) {
	if kept := s.kept.Load(); kept != nil && now.Before(kept.until) {
		return kept.text, nil
	}
	text, issued, expires, err := sign()
	if err != nil {
		return "", err
	}
	s.kept.Store(&signedText{text, issued.Add(expires.Sub(issued) / 2)})
	return text, nil
}
