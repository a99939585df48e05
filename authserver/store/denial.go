package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// DenialKind is what an entry of the deny-list speaks of.
type DenialKind string

const (
	// DenyToken is one token, by its jti.
	DenyToken DenialKind = "jti"
	// DenySubject is all tokens of a subject.
	DenySubject DenialKind = "sub"
	// DenySession is all tokens of a session, by its sid.
	DenySession DenialKind = "sid"
	// DenyClient is all tokens that a client was given.
	DenyClient DenialKind = "client"
)

// Denial is one entry of the deny-list: tokens that an operator has revoked
// before their time, whoever issued them.
type Denial struct {
	Kind  DenialKind
	Value string
	// Issuer limits the entry to the tokens of one issuer; "" means any.
	Issuer string
	// NotBefore spares tokens that were issued after it. Zero spares none.
	NotBefore time.Time
	// Expires is when the entry says nothing more.
	Expires time.Time
	// Created is when it was made.
	Created time.Time
	// Removed says that it was taken off the list.
	Removed bool
}

// ID names the entry: there is one for a kind, value and issuer.
func (d Denial) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", d.Kind, d.Value, d.Issuer))
	return hex.EncodeToString(sum[:16])
}
