package keys

import (
	"fmt"
	"io"
)

// What holds key material prints only its name, whatever the fmt verb, and so
// do logs; encoders get the name too.

// Format implements fmt.Formatter without the keys.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keys of realm "+r.realm) }

// Format implements fmt.Formatter without the key.
func (s Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "signing key "+s.KeyID) }

// MarshalText implements encoding.TextMarshaler without the key.
func (s Signer) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }

// Format implements fmt.Formatter without the key.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "key "+s.ID) }

// Format implements fmt.Formatter without the key.
func (e External) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "signing key "+e.KeyID()) }

// MarshalText implements encoding.TextMarshaler without the key.
func (e External) MarshalText() ([]byte, error) { return fmt.Append(nil, e), nil }

// Format implements fmt.Formatter without the keys.
func (w *Wrapper) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "encryption key") }

// MarshalText implements encoding.TextMarshaler without the key.
func (s Secret) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }
