package introspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// RFC 7517 §5, RFC 8414 §3

// keepTimeout bounds each use of a Keeper.
const keepTimeout = 2 * time.Second

// Keeper keeps documents over restarts, so that a gateway that starts while an
// issuer is down has its last good keys.
type Keeper interface {
	// Load gives what was saved under a name; an error that is fs.ErrNotExist
	// when nothing was.
	Load(ctx context.Context, name string) ([]byte, error)
	// Save replaces what is there under a name.
	Save(ctx context.Context, name string, document []byte) error
}

// kept is what a Keeper holds of one issuer: the documents as they came, which
// are judged anew when they are loaded.
type kept struct {
	// Issuer is the issuer identifier, Origin its Foreign.Origin.
	Issuer string `json:"issuer"`
	Origin string `json:"origin"`
	// Read is when the documents were read from the issuer.
	Read     time.Time       `json:"read"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	Keys     json.RawMessage `json:"keys,omitempty"`
}

// Origin names where the issuer's documents come from and who vouches for them.
// What was read for one origin is good for the same origin alone.
func (f Foreign) Origin() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", f.URL, f.JWKSURI, f.JWKSFile, f.Roots))
	return hex.EncodeToString(sum[:])
}

// keptAs names what is kept of an issuer. Settings that need other documents of
// the same origin keep them apart: of two that wrote over each other, one would
// start without what it needs.
func (f *Foreign) keptAs() string {
	name := f.Origin()
	if !f.needsKeys() {
		name += "-metadata"
	} else if !f.discovers() {
		name += "-keys"
	}
	return name
}

// load is Keeper.Load for storage that may hang, whatever its context says: the
// reading of keys is to begin all the same.
func (f *Foreign) load(ctx context.Context) (document []byte, err error) {
	type loaded struct {
		document []byte
		err      error
	}
	done := make(chan loaded, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- loaded{err: fmt.Errorf("panic: %v", p)}
			}
		}()
		document, err := f.Keeper.Load(ctx, f.keptAs())
		done <- loaded{document, err}
	}()
	select {
	case l := <-done:
		return l.document, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// restore takes what was kept, as long as nothing newer is there.
func (r *Remote) restore(ctx context.Context) {
	f := &r.foreign
	if f.Keeper == nil || f.JWKSFile != "" || r.keys.Load() != nil || r.metadata.Load() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	document, err := f.load(ctx)
	if err == nil {
		err = r.take(document)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, context.Canceled):
	case err != nil:
		f.Log.Warn("the keys kept from an earlier run are not used", "issuer", f.URL, "error", err)
	default:
		r.refresher.land(errNotYet) // who waits for the first fetch need not
	}
}

// take judges a kept document by the rules for one that comes from the issuer.
func (r *Remote) take(document []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	f := &r.foreign
	var last kept
	if err := json.Unmarshal(document, &last); err != nil {
		return fmt.Errorf("the document is damaged: %w", err)
	}
	age := f.Now().Sub(last.Read)
	switch {
	case last.Issuer != f.URL || last.Origin != f.Origin():
		return errors.New("they are of another issuer")
	case age < -MaxLeeway:
		return fmt.Errorf("they come from the future, %s", last.Read.Format(time.RFC3339))
	case age > f.MaxStale:
		return fmt.Errorf("they are from %s, older than max_stale", last.Read.Format(time.RFC3339))
	}
	var known *metadata
	var set *keySet
	if f.discovers() {
		if known, err = parseMetadata(last.Metadata, f.URL); err != nil {
			return err
		}
	}
	if f.needsKeys() {
		if set, err = parseKeySet(last.Keys, f.Algorithms); err != nil {
			return err
		}
		r.keys.Store(&snapshot{keySet: set, read: last.Read, document: last.Keys, from: FromStorage})
	}
	r.metadata.Store(known)
	return nil
}

// keep saves what is known, in the background: no request and no fetch waits for
// storage. While a save goes on one more waits, for it could have saved a key that
// the issuer has withdrawn since.
func (r *Remote) keep(ctx context.Context) {
	if r.foreign.Keeper == nil || r.foreign.JWKSFile != "" || r.unsaved.Swap(true) {
		return
	}
	go func() {
		select {
		case r.saving <- struct{}{}:
			defer func() { <-r.saving }()
		case <-ctx.Done():
			return
		}
		r.unsaved.Store(false)
		ctx, cancel := context.WithTimeout(ctx, keepTimeout)
		defer cancel()
		now := r.foreign.Now()
		if err := r.save(ctx, now); err == nil {
			r.keepHealth.good(now)
		} else if !errors.Is(err, context.Canceled) {
			r.keepHealth.bad(err, now)
		}
	}()
}

func (r *Remote) save(ctx context.Context, now time.Time) (err error) {
	// A panic here would end the process.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	f := &r.foreign
	last := kept{Issuer: f.URL, Origin: f.Origin(), Read: now}
	if known := r.metadata.Load(); known != nil {
		last.Metadata = known.document
	}
	if set := r.keys.Load(); set != nil {
		last.Keys, last.Read = set.document, set.read
	}
	document, err := json.Marshal(last)
	if err != nil {
		return err
	}
	return f.Keeper.Save(ctx, f.keptAs(), document)
}
