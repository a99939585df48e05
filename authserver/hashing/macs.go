package hashing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	stdhash "hash"
	"io"
	"sync"
)

// macs makes HMACs under one key that never leaves the process. Setting one up
// costs more than computing it, so they are used again.
type macs struct{ idle sync.Pool }

func newMACs() *macs {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return &macs{sync.Pool{New: func() any { return hmac.New(sha256.New, key[:]) }}}
}

// sum is the HMAC of the texts, one after the other.
func (m *macs) sum(texts ...string) (sum [sha256.Size]byte) {
	mac, _ := m.idle.Get().(stdhash.Hash)
	defer m.idle.Put(mac)
	mac.Reset()
	for _, text := range texts {
		_, _ = io.WriteString(mac, text) // never fails
	}
	mac.Sum(sum[:0])
	return sum
}
