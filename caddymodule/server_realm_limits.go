package caddymodule

import (
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// SignInLimits bounds how often passwords and codes of second factors may be
// tried. Failures are counted in the store, for all nodes, and survive reloads. A
// try that has to wait is answered 429 before a password is looked at, whether or
// not there is such an account. Behind a balancer Caddy's `trusted_proxies` must be
// set, or all people are one source.
type SignInLimits struct {
	// BackoffAfter is how many failures in a row for one username, from one source,
	// make the next try wait: a second, and with each one more twice as long, up to
	// 5 minutes. A success, or a day without a failure, forgets them. Default: 5.
	BackoffAfter int `json:"backoff_after,omitempty"`

	// LockAfter is from how many on the wait is LockFor. So many from all sources
	// together make everybody wait for a minute at most who has not signed in from
	// their source within 30 days. At most, and by default: 100.
	LockAfter int `json:"lock_after,omitempty"`

	// LockFor is how long that lock lasts; it ends by itself, and before with
	// `caddy oauth2-unlock`. At most 24h. Default: 15m.
	LockFor registration.Duration `json:"lock_for,omitempty"`

	// PerSource bounds the failures of one source, an IPv4 address or the /64 of an
	// IPv6 address, whoever it tries. Default: 100 in 1m.
	PerSource *SourceLimit `json:"per_source,omitempty"`
}

// SourceLimit is how many failures one source may have in a span of time, which
// begins with the first of them.
type SourceLimit struct {
	// Failures is how many. Required.
	Failures int `json:"failures"`

	// Per is the span, from 1s to 24h. Required.
	Per registration.Duration `json:"per"`
}

// limits are what the server takes; Check finds what is wrong with them.
func (o *SignInLimits) limits() login.Limits {
	if o == nil {
		return login.Limits{}
	}
	limits := login.Limits{BackoffAfter: o.BackoffAfter, LockAfter: o.LockAfter, LockFor: time.Duration(o.LockFor)}
	if o.PerSource != nil {
		limits.PerSource = store.Limit{Count: o.PerSource.Failures, Per: time.Duration(o.PerSource.Per)}
		if limits.PerSource.Count == 0 {
			limits.PerSource.Count = -1 // not left out
		}
	}
	return limits
}

// readSignInLimits reads the block. Syntax:
//
//	sign_in_limits {
//		backoff_after <failures>
//		lock_after    <failures>
//		lock_for      <duration>
//		per_source    <failures> <duration>
//	}
func (r *Realm) readSignInLimits(d *caddyfile.Dispenser) error {
	limits := new(SignInLimits)
	r.SignInLimits = limits
	return readOnlyBlock(d, "sign_in_limits", map[string]reader{
		"backoff_after": failures(&limits.BackoffAfter),
		"lock_after":    failures(&limits.LockAfter),
		"lock_for":      span(&limits.LockFor),
		"per_source": func(d *caddyfile.Dispenser) error {
			limits.PerSource = new(SourceLimit)
			return countPer(d, &limits.PerSource.Failures, &limits.PerSource.Per)
		},
	})
}

// failures reads a number of failures.
func failures(target *int) reader {
	return func(d *caddyfile.Dispenser) error {
		option, written := d.Val(), ""
		if err := text(&written)(d); err != nil {
			return err
		}
		n, err := strconv.Atoi(written)
		if err != nil || n < 1 {
			return d.Errf("%s: %q is no number of 1 or more", option, written)
		}
		*target = n
		return nil
	}
}
