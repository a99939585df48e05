package token

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

const (
	// openedPlaces bounds how many access tokens are remembered.
	openedPlaces = 4096
	// maxOpenedBytes is the longest token that is: it bounds what they weigh.
	maxOpenedBytes = 2 << 10
)

// opened remembers access tokens that were good, for those that are asked about
// again and again: a signature is dear. Each has one place, by its digest, and the
// next one of that place takes it. Only what never changes is remembered: its
// keys, times and revocation are looked at every time. Reading takes no lock.
type opened struct {
	places atomic.Pointer[[openedPlaces]atomic.Pointer[openedAccess]]
}

// openedAccess is what a token said and what that rests on: its whole digest, and
// the generation of the keys from before it was verified.
type openedAccess struct {
	digest     [sha256.Size]byte
	generation uint64
	access     Access
}

func placeOf(digest *[sha256.Size]byte) int {
	return int(binary.LittleEndian.Uint16(digest[:]) % openedPlaces)
}

// get gives what a token says, nil when it is not known or a key has gone since.
func (o *opened) get(digest *[sha256.Size]byte, generation uint64) *Access {
	places := o.places.Load()
	if places == nil {
		return nil
	}
	known := places[placeOf(digest)].Load()
	if known == nil || known.digest != *digest || known.generation != generation {
		return nil
	}
	return &known.access
}

// put remembers a token that is good. The places are made for the first: many
// realms are never asked about one.
func (o *opened) put(digest *[sha256.Size]byte, generation uint64, access *Access) {
	places := o.places.Load()
	if places == nil {
		o.places.CompareAndSwap(nil, new([openedPlaces]atomic.Pointer[openedAccess]))
		places = o.places.Load()
	}
	places[placeOf(digest)].Store(&openedAccess{*digest, generation, *access})
}
