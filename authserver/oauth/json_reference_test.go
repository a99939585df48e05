package oauth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

var errJSON = errors.New("not a strict JSON object")

// decodeByToken is what DecodeObject is held against: slower, and member by
// member. It does not look at escapes.
func decodeByToken(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, errJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	members := 0
	value, err := decodeValue(dec, 0, &members)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	folded := make(map[string]struct{}, len(object))
	for name := range object {
		folded[strings.ToLower(name)] = struct{}{}
	}
	if len(folded) != len(object) {
		return nil, errJSON
	}
	return object, nil
}

func decodeValue(dec *json.Decoder, depth int, members *int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, errJSON
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth++; depth > 16 {
		return nil, errJSON
	}
	if delim == '{' {
		return decodeMembers(dec, depth, members)
	}
	list := []any{}
	for dec.More() {
		if *members++; *members > 2000 {
			return nil, errJSON
		}
		value, err := decodeValue(dec, depth, members)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errJSON
	}
	return list, nil
}

func decodeMembers(dec *json.Decoder, depth int, members *int) (any, error) {
	object := map[string]any{}
	for dec.More() {
		if *members++; *members > 2000 {
			return nil, errJSON
		}
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errJSON
		}
		if _, twice := object[name]; twice {
			return nil, errJSON
		}
		if object[name], err = decodeValue(dec, depth, members); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errJSON
	}
	return object, nil
}
