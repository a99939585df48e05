package token

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

const grantIDDigits = 32

// NewGrantID makes a time-ordered random id of 32 hex digits: 48 bits of unix
// milliseconds, so that new rows stand together in the index, and 80 random
// bits. It is a name and no secret.
func NewGrantID(now time.Time) string {
	var id [grantIDDigits / 2]byte
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	return hex.EncodeToString(id[:])
}

// GrantIDFrom is what ids made from a moment on are not below.
func GrantIDFrom(moment time.Time) string { return fmt.Sprintf("%012x", moment.UnixMilli()) }
