package audit

import (
	"encoding/json"
	"maps"
	"slices"
)

// Key names a detail. Keys are fixed, values are bounded.
type Key string

const (
	// Reason says why, in one of a few words.
	Reason Key = "reason"
	// Method is how a client authenticated, or a user signed in.
	Method Key = "method"
	// TokenID is the jti of a token.
	TokenID Key = "token_id"
	// KeyID is the kid of a key.
	KeyID Key = "key_id"
	// Algorithm is a key's.
	Algorithm Key = "algorithm"
	// Purpose is what a key is for.
	Purpose Key = "purpose"
	// DenialID is an entry of the deny-list.
	DenialID Key = "denial_id"
	// Kind is what an entry of the deny-list speaks of, what keys that are of no realm
	// are for, or what a second factor is.
	Kind Key = "kind"
	// Issuer is whose tokens are meant.
	Issuer Key = "issuer"
	// Changed names what was changed.
	Changed Key = "changed"
	// Format is that of an export or import.
	Format Key = "format"
	// Count is how many.
	Count Key = "count"
	// NotRecorded is how many events of the same kind were not recorded before
	// this one, because there were too many.
	NotRecorded Key = "not_recorded"
)

// Detail is what only some events have.
type Detail struct {
	Key   Key
	Value string
}

// Details are the details of a record; in JSON they are one object.
type Details []Detail

// Get is the value of a detail, "" when there is none.
func (d Details) Get(key Key) string {
	for _, detail := range d {
		if detail.Key == key {
			return detail.Value
		}
	}
	return ""
}

// MarshalJSON writes an object of texts.
func (d Details) MarshalJSON() ([]byte, error) {
	object := make(map[Key]string, len(d))
	for _, detail := range d {
		object[detail.Key] = detail.Value
	}
	return json.Marshal(object)
}

// UnmarshalJSON reads what MarshalJSON wrote, sorted by key.
func (d *Details) UnmarshalJSON(text []byte) error {
	var object map[Key]string
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	*d = nil
	for _, key := range slices.Sorted(maps.Keys(object)) {
		*d = append(*d, Detail{key, object[key]})
	}
	return nil
}
