package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// maxStreamGrace bounds how long an answer may outlast its token.
const maxStreamGrace = time.Hour

// BearerStreams says what becomes of answers that last longer than their token.
type BearerStreams struct {
	// Off leaves them alone: the token is checked when they begin, and never
	// again. Default: false.
	Off bool `json:"off,omitempty"`

	// Grace is how long after its expiry a token still carries an answer that
	// has begun, up to 1h. A revoked token carries none. Default: the leeway.
	Grace caddy.Duration `json:"grace,omitempty"`
}

// readStreams reads: streams off | streams { ... }.
func (b *BearerAuth) readStreams(d *caddyfile.Dispenser) error {
	b.Streams = new(BearerStreams)
	if d.NextArg() {
		b.Streams.Off = true
		if d.Val() != "off" || d.NextArg() {
			return d.Err("streams takes the word off, or a block with a line such as: grace 30s")
		}
		return nil
	}
	return readBlock(d, "streams", map[string]reader{"grace": span(&b.Streams.Grace)})
}

// check finds what is wrong with the settings; there may be none.
func (s *BearerStreams) check() error {
	if s == nil {
		return nil
	}
	grace := time.Duration(s.Grace)
	if grace < 0 || grace > maxStreamGrace {
		return fmt.Errorf("the grace of streams is %s; it is %s at most", grace, maxStreamGrace)
	}
	if s.Off && grace != 0 {
		return errors.New("streams are off and have a grace: keep one of the two")
	}
	return nil
}

// streamGrace is how long after its expiry a token still carries an answer.
func (b *BearerAuth) streamGrace() time.Duration {
	if b.Streams == nil || b.Streams.Grace == 0 {
		return b.leeway()
	}
	return time.Duration(b.Streams.Grace)
}

// cutsStreams says whether answers end with their tokens: not where tokens are
// only looked at and nothing is refused.
func (b *BearerAuth) cutsStreams() bool {
	return b.Mode != modeReportOnly && (b.Streams == nil || !b.Streams.Off)
}

// follow sees to it that an answer to a request with a token does not go on for
// longer than the token is good. The stream is to be done at the end; it is nil
// where nothing is followed.
//
// Every such request is followed, and not only what looks like a stream: nothing
// that a client or an upstream says can then open one that escapes.
func (b *BearerAuth) follow(w http.ResponseWriter, r *http.Request, v verdict) (http.ResponseWriter, *http.Request, *stream) {
	if v.token == nil || !b.cutsStreams() {
		return w, r, nil
	}
	s := b.carried(v)
	w, r = openStreams.follow(w, r, s)
	return w, r, s
}

// carried is an answer that the token of a verdict carries.
func (b *BearerAuth) carried(v verdict) *stream {
	// Rounded up: expiry is in whole seconds.
	grace := (b.grace + time.Second - 1) / time.Second
	return &stream{token: carrier{introspector: b.introspector, secret: v.secret, grace: int64(grace), token: v.token}}
}
