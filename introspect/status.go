package introspect

import (
	"context"
	"time"
)

// Status is what an operator wants to know of a Remote. Times that are not
// known are zero.
type Status struct {
	// Issuer is the issuer identifier.
	Issuer string `json:"issuer"`
	// Ready says whether it can verify now.
	Ready bool `json:"ready"`
	// Keys are the keys that verify now.
	Keys []StatusKey `json:"keys,omitempty"`
	// KeysRead is when they were read from the issuer, and KeysFrom where they
	// came from: issuer, storage or file.
	KeysRead time.Time `json:"keys_read,omitzero"`
	KeysFrom string    `json:"keys_from,omitempty"`
	// NextRefresh is when they are read again at the latest.
	NextRefresh time.Time `json:"next_refresh,omitzero"`
	// Error is what went wrong in the last attempt to read keys or metadata.
	Error string `json:"error,omitempty"`
	// Breaker is closed, open or half_open; "" without introspection.
	Breaker string `json:"breaker,omitempty"`
	// IntrospectionError is how the last call failed; "" when it did not.
	IntrospectionError string `json:"introspection_error,omitempty"`
}

// StatusKey names one key.
type StatusKey struct {
	KeyID     string `json:"kid,omitempty"`
	Algorithm string `json:"alg"`
}

// Status tells how it stands.
func (r *Remote) Status() Status { return Status{Issuer: r.foreign.URL, Ready: r.Ready()} }

// RefreshNow reads metadata and keys at once, whatever was read when, and waits
// for the result or for ctx.
func (r *Remote) RefreshNow(_ context.Context) error { return errNotYet }
