package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Secret is text that must not leave the process by accident: a token, a code,
// a client secret, a password or a cookie value. Printing, logging, encoding
// or dumping it shows only that something was there. Compare with Equal.
//
// The text is behind a pointer because fmt cannot call the methods of a Secret
// in an unexported field: there it would print a string, and prints an address.
type Secret struct{ text *string }

const redacted = "[redacted]"

// NewSecret takes text under protection.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the text back, for the one place that must send or check it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty says whether there is no text at all.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Digest is the SHA-256 of the text: what caches and stores may keep.
func (s Secret) Digest() [sha256.Size]byte { return sha256.Sum256([]byte(s.Reveal())) }

// Equal compares in a time that does not depend on where the texts differ.
func (s Secret) Equal(other Secret) bool {
	a, b := s.Digest(), other.Digest()
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String implements fmt.Stringer without the text.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer without the text.
func (s Secret) GoString() string { return redacted }

// Format covers every fmt verb, %x and %q included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer without the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler without the text, so that JSON
// and YAML encoders cannot leak it either. Answers that carry a secret to its
// owner call Reveal.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
