package introspect

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RFC 8414 §3, RFC 7517 §5

// metadataEvery is how often metadata is read again while all goes well. When
// keys cannot be read, it is read again at once: they may have moved.
const metadataEvery = time.Hour

// snapshot is a key set, when it was read, and what was read.
type snapshot struct {
	*keySet
	read     time.Time
	document []byte
}

// inherit takes over what another Remote of the same issuer knows, as long as
// this one has read nothing itself: a changed setting must not forget the keys
// of an issuer that is down just then.
func (r *Remote) inherit(other *Remote) {
	if other == nil || other.foreign.URL != r.foreign.URL {
		return
	}
	r.metadata.Store(other.metadata.Load())
	last := other.keys.Load()
	if last == nil {
		return
	}
	// Read anew, for the accepted algorithms may be others now.
	if set, err := parseKeySet(last.document, r.foreign.Algorithms); err == nil {
		r.keys.Store(&snapshot{set, last.read, last.document})
	}
}

// fresh gives the key set, nil when there is none or it is too old to trust.
func (r *Remote) fresh() *keySet {
	last := r.keys.Load()
	if last == nil || r.foreign.Now().Sub(last.read) > r.foreign.MaxStale {
		return nil
	}
	return last.keySet
}

// refresh is the background task. Whatever fails, the last good metadata and
// keys stay.
func (r *Remote) refresh(ctx context.Context) error {
	if err := r.refreshMetadata(ctx); err != nil && r.metadata.Load() == nil {
		return err
	}
	if r.foreign.Validate == ValidateIntrospect {
		return nil
	}
	err := r.refreshKeys(ctx)
	r.fetched(r.keysHealth, err)
	if err != nil {
		r.metadataRead = time.Time{}
	}
	return err
}

func (r *Remote) refreshMetadata(ctx context.Context) error {
	now := r.foreign.Now()
	if r.metadata.Load() != nil && now.Sub(r.metadataRead) < metadataEvery {
		return nil
	}
	found, err := discover(ctx, r.foreign.Client, r.foreign.URL, r.foreign.Timeout)
	r.fetched(r.metadataHealth, err)
	if err != nil {
		return err
	}
	r.metadata.Store(found)
	r.metadataRead = now
	return nil
}

func (r *Remote) refreshKeys(ctx context.Context) error {
	now := r.foreign.Now()
	address := r.metadata.Load().keys
	if address == "" {
		return errors.New("the metadata names no jwks_uri: use validate introspect for this issuer")
	}
	body, err := get(ctx, r.foreign.Client, address, r.foreign.Timeout)
	if err != nil {
		return err
	}
	set, err := parseKeySet(body, r.foreign.Algorithms)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if last := r.keys.Load(); last != nil {
		for _, kid := range set.rebound(last.keySet) {
			r.foreign.Log.Warn("an issuer gave the name of a key to another key", "issuer", r.foreign.URL, "kid", clip(kid))
		}
	}
	r.keys.Store(&snapshot{set, now, body})
	return nil
}

func (r *Remote) fetched(part *health, err error) {
	now := r.foreign.Now()
	switch {
	case errors.Is(err, context.Canceled): // Stop
	case err != nil:
		part.bad(err, now)
		r.foreign.Observer.KeysFetched(r.foreign.URL, "error")
	default:
		part.good(now)
		r.foreign.Observer.KeysFetched(r.foreign.URL, "ok")
	}
}
