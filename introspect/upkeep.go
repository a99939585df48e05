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

// Values of Status.KeysFrom.
const (
	FromIssuer  = "issuer"
	FromStorage = "storage"
	FromFile    = "file"
)

// snapshot is a key set, when it was read and where, what was read, and what
// failed by it.
type snapshot struct {
	*keySet
	read     time.Time
	document []byte
	from     string
	doubts   doubts
}

// inherit takes over what another Remote of the same issuer knows, as long as
// this one has read nothing itself: a changed setting must not forget the keys
// of an issuer that is down just then.
func (r *Remote) inherit(other *Remote) {
	if other == nil || other.foreign.Origin() != r.foreign.Origin() {
		return
	}
	r.metadata.Store(other.metadata.Load())
	if r.introspection != nil && other.introspection != nil {
		r.introspection.lanes.recent = other.introspection.lanes.recent
	}
	last := other.keys.Load()
	if last == nil {
		return
	}
	// Read anew, for the accepted algorithms may be others now.
	if set, err := parseKeySet(last.document, r.foreign.Algorithms); err == nil {
		r.keys.Store(&snapshot{keySet: set, read: last.read, document: last.document, from: last.from})
	}
}

// fresh gives the key set, nil when there is none or it is too old to trust.
func (r *Remote) fresh() *snapshot {
	last := r.keys.Load()
	if last == nil || r.foreign.Now().Sub(last.read) > r.foreign.MaxStale {
		return nil
	}
	return last
}

// refresh is the background task. Whatever fails, the last good metadata and
// keys stay.
func (r *Remote) refresh(ctx context.Context) error {
	if r.foreign.needsNothing() {
		return nil
	}
	trouble := r.refreshMetadata(ctx)
	err := trouble
	if trouble == nil || r.metadata.Load() != nil || r.foreign.staticKeys() {
		err = r.refreshKeys(ctx)
		trouble = errors.Join(trouble, err)
	}
	r.trouble.Store(&trouble)
	if err == nil {
		r.keep(ctx)
	}
	return err
}

func (r *Remote) refreshMetadata(ctx context.Context) error {
	now := r.foreign.Now()
	if !r.foreign.discovers() || !r.anew.Swap(false) && r.metadata.Load() != nil && now.Sub(r.metadataRead) < metadataEvery {
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
	if !r.foreign.needsKeys() {
		return nil
	}
	err := r.readKeys(ctx)
	r.fetched(r.keysHealth, err)
	if err != nil {
		r.metadataRead = time.Time{}
	}
	return err
}

func (r *Remote) readKeys(ctx context.Context) error {
	f := &r.foreign
	next := &snapshot{read: f.Now()}
	var address string
	var err error
	if next.document, address, next.from, err = r.keyDocument(ctx); err != nil {
		return err
	}
	if next.keySet, err = parseKeySet(next.document, f.Algorithms); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if last := r.keys.Load(); last != nil {
		for _, kid := range next.rebound(last.keySet) {
			f.Log.Warn("an issuer gave the name of a key to another key", "issuer", f.URL, "kid", clip(kid))
		}
	}
	r.keys.Store(next)
	return nil
}

// keyDocument reads the key set from where the settings say, or else the
// metadata.
func (r *Remote) keyDocument(ctx context.Context) (body []byte, address, from string, err error) {
	f := &r.foreign
	if address = f.JWKSFile; address != "" {
		body, err = readKeyFile(address)
		return body, address, FromFile, err
	}
	if address = f.JWKSURI; address == "" {
		known := r.metadata.Load()
		if address, err = known.needed("jwks_uri", known.keys); err != nil {
			return nil, "", "", fmt.Errorf("%w: name the place of its keys with jwks_uri, or use validate introspect for this issuer", err)
		}
	}
	body, holds, err := get(ctx, f.Client, address, f.Timeout)
	r.refresher.within(holds)
	return body, address, FromIssuer, err
}

func (r *Remote) fetched(part *health, err error) {
	now := r.foreign.Now()
	switch {
	case errors.Is(err, context.Canceled): // Stop
	case err != nil:
		part.bad(err, now)
		r.foreign.Observer.KeysFetched(r.foreign.Name, "error")
	default:
		part.good(now)
		r.foreign.Observer.KeysFetched(r.foreign.Name, "ok")
	}
}
