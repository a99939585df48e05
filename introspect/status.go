package introspect

import (
	"context"
	"time"
)

// Status is what an operator wants to know of a Remote. Times that are not
// known are zero.
type Status struct {
	// Issuer is the issuer identifier, Name how the configuration calls it.
	Issuer string `json:"issuer"`
	Name   string `json:"name"`
	// Ready says whether it can verify now.
	Ready bool `json:"ready"`
	// Keys are the keys that verify now.
	Keys []StatusKey `json:"keys,omitempty"`
	// KeysRead is when they were read from the issuer, and KeysFrom where they
	// came from: issuer, storage or file.
	KeysRead time.Time `json:"keys_read,omitzero"`
	KeysFrom string    `json:"keys_from,omitempty"`
	// KeysUntil is until when they are used if they cannot be read again.
	KeysUntil time.Time `json:"keys_until,omitzero"`
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
func (r *Remote) Status() Status {
	f := &r.foreign
	status := Status{Issuer: f.URL, Name: f.Name, Ready: r.Ready(), NextRefresh: r.refresher.standing()}
	if set := r.keys.Load(); set != nil {
		status.KeysRead, status.KeysFrom, status.KeysUntil = set.read, set.from, set.read.Add(f.MaxStale)
	}
	if set := r.fresh(); set != nil {
		for _, key := range set.keys {
			status.Keys = append(status.Keys, StatusKey{key.KeyID, key.Algorithm})
		}
	}
	if trouble := r.trouble.Load(); trouble != nil && *trouble != nil {
		status.Error = (*trouble).Error()
	}
	if r.introspection != nil {
		status.Breaker, status.IntrospectionError = r.introspection.status()
	}
	return status
}

// RefreshNow reads metadata and keys at once, whatever was read when, and waits
// for the result or for ctx.
func (r *Remote) RefreshNow(ctx context.Context) error {
	r.anew.Store(true)
	return r.refresher.runNow(ctx)
}
