package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// RFC 7519 §4, RFC 8725 §3.7

const (
	maxJSONDepth   = 16
	maxJSONMembers = 2000
)

var errJSON = errors.New("not a strict JSON object")

// DecodeObject reads one JSON object as tokens and key sets must be written:
// valid UTF-8 without a byte order mark, lone surrogates or NUL, no member
// twice in one object, none at the top that differs from another in case only,
// nothing after the end, at most 16 levels deep. Numbers stay json.Number.
func DecodeObject(data []byte) (map[string]any, error) {
	written, bounded := outline(data)
	if !bounded || !utf8.Valid(data) || !soundEscapes(data) {
		return nil, errJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, errJSON
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	// Of members with one name only the last is left.
	members, elements := count(object)
	if members != written || members+elements > maxJSONMembers || alikeButForCase(object) {
		return nil, errJSON
	}
	return object, nil
}

// outline counts the members in all objects of data, if that is JSON; what is not
// is for the decoder to refuse. bounded says that it is neither too deep nor too
// much to be read.
func outline(data []byte) (members int, bounded bool) {
	depth, commas, inText := 0, 0, false
	for i := 0; i < len(data) && depth <= maxJSONDepth && commas <= maxJSONMembers; i++ {
		switch c := data[i]; {
		case c == '\\':
			i++ // what is escaped ends no text
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':':
			members++
		case c == ',':
			commas++
		}
	}
	return members, depth <= maxJSONDepth && commas <= maxJSONMembers
}

// count counts the members of objects and the elements of arrays.
func count(value any) (members, elements int) {
	add := func(inner any) {
		m, e := count(inner)
		members += m
		elements += e
	}
	switch value := value.(type) {
	case map[string]any:
		members = len(value)
		for _, member := range value {
			add(member)
		}
	case []any:
		elements = len(value)
		for _, element := range value {
			add(element)
		}
	}
	return members, elements
}

// alikeButForCase says whether two names differ in case only.
func alikeButForCase(object map[string]any) bool {
	var folded map[string]struct{}
	for name := range object {
		lower := strings.ToLower(name)
		if lower == name {
			continue // as nearly all are
		}
		_, there := object[lower]
		if _, twice := folded[lower]; there || twice {
			return true
		}
		if folded == nil {
			folded = map[string]struct{}{}
		}
		folded[lower] = struct{}{}
	}
	return false
}

// soundEscapes refuses \u0000 and surrogates without their partner, which
// encoding/json would silently replace. A backslash can only stand inside a
// string of valid JSON, and the decoder refuses the rest.
func soundEscapes(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if i >= len(data) || data[i] != 'u' {
			continue
		}
		unit, ok := hex4(data, i+1)
		if !ok || unit == 0 || unit >= 0xdc00 && unit <= 0xdfff {
			return false
		}
		i += 4
		if unit >= 0xd800 && unit <= 0xdbff {
			if i+2 >= len(data) || data[i+1] != '\\' || data[i+2] != 'u' {
				return false
			}
			low, ok := hex4(data, i+3)
			if !ok || low < 0xdc00 || low > 0xdfff {
				return false
			}
			i += 6
		}
	}
	return true
}

func hex4(data []byte, at int) (unit int, ok bool) {
	if at+4 > len(data) {
		return 0, false
	}
	for _, c := range data[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			unit = unit<<4 | int(c-'0')
		case c >= 'a' && c <= 'f':
			unit = unit<<4 | int(c-'a'+10)
		case c >= 'A' && c <= 'F':
			unit = unit<<4 | int(c-'A'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}

// maxNumericDate is the end of year 9999: no honest token outlives it.
const maxNumericDate = 253402300799

// NumericDate reads a NumericDate member (RFC 7519 §2) as whole unix seconds,
// fractions cut off. present is false when object has no such member; ok is
// false when it has one that is not a number from 0 to the year 9999.
func NumericDate(object map[string]any, name string) (seconds int64, present, ok bool) {
	value, present := object[name]
	if !present {
		return 0, false, true
	}
	number, isNumber := value.(json.Number)
	if !isNumber {
		return 0, true, false
	}
	f, err := number.Float64()
	if err != nil || math.IsNaN(f) || f < 0 || f > maxNumericDate {
		return 0, true, false
	}
	return int64(f), true, true
}

// StringMember reads a member that must be a string when it is there.
func StringMember(object map[string]any, name string) (text string, ok bool) {
	value, present := object[name]
	if !present {
		return "", true
	}
	text, ok = value.(string)
	return text, ok
}

// StringsMember reads a member that must be a string or an array of strings
// when it is there, as aud is (RFC 7519 §4.1.3).
func StringsMember(object map[string]any, name string) (list []string, ok bool) {
	switch value := object[name].(type) {
	case nil:
		_, present := object[name]
		return nil, !present
	case string:
		return []string{value}, true
	case []any:
		for _, item := range value {
			text, isString := item.(string)
			if !isString {
				return nil, false
			}
			list = append(list, text)
		}
		return list, true
	default:
		return nil, false
	}
}
