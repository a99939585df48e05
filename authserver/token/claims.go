package token

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7519 §4

// claimReader takes claims of the right type out of a payload and remembers
// whether all of them were.
type claimReader struct {
	object map[string]any
	ok     bool
}

func readClaims(payload []byte) *claimReader {
	object, err := oauth.DecodeObject(payload)
	return &claimReader{object: object, ok: err == nil}
}

func (r *claimReader) text(name string) string {
	text, ok := oauth.StringMember(r.object, name)
	r.ok = r.ok && ok
	return text
}

func (r *claimReader) texts(name string) []string {
	list, ok := oauth.StringsMember(r.object, name)
	r.ok = r.ok && ok
	return list
}

// time reads a NumericDate; an absent one is the zero time.
func (r *claimReader) time(name string) time.Time {
	seconds, present, ok := oauth.NumericDate(r.object, name)
	r.ok = r.ok && ok
	if !present {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func (r *claimReader) scope(name string) oauth.Scope {
	scope, err := oauth.ParseScope(r.text(name))
	r.ok = r.ok && err == nil
	return scope
}

// wholeSeconds is a time as a token can say it.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// numericDate is a time as a claim; nil, to be left out, when there is none.
func numericDate(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}
