package oauth

import (
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// RFC 6749 §3.1 and §3.2, Appendix B

const (
	// MaxFormBytes bounds a form body or query, before decoding.
	MaxFormBytes = 64 << 10
	// MaxFormParameters bounds how many parameters it may carry.
	MaxFormParameters = 100
)

// Form is a decoded application/x-www-form-urlencoded text. It may hold
// passwords and tokens, so it prints as its parameter names only.
type Form struct{ values map[string][]Secret }

// ParseForm decodes a body or a query. A parameter sent without a value counts
// as omitted, an unknown one is kept but has no effect, and one that is
// repeated is refused (RFC 6749 §3.1) unless it is listed as repeatable
// (resource, RFC 8707 §2). Bad escapes, invalid UTF-8 and NUL are refused.
func ParseForm(text string, repeatable ...string) (Form, error) {
	if text == "" {
		return Form{}, nil
	}
	form := Form{values: map[string][]Secret{}}
	if len(text) > MaxFormBytes {
		return form, InvalidRequest("The request is too large.")
	}
	if strings.Count(text, "&") >= MaxFormParameters {
		return form, InvalidRequest("The request has too many parameters.")
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, okName := decodeFormText(rawName)
		value, okValue := decodeFormText(rawValue)
		if !okName || !okValue {
			return form, InvalidRequest("The request is not valid application/x-www-form-urlencoded UTF-8.")
		}
		if seen[name] && !slices.Contains(repeatable, name) {
			return form, InvalidRequest("A parameter is repeated.")
		}
		seen[name] = true
		if value != "" {
			form.values[name] = append(form.values[name], NewSecret(value))
		}
	}
	return form, nil
}

func decodeFormText(raw string) (string, bool) {
	if strings.Contains(raw, ";") {
		return "", false
	}
	text, err := url.QueryUnescape(raw)
	if err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", false
	}
	return text, true
}

// Get is the value of name, "" when it was omitted.
func (f Form) Get(name string) string { return f.Secret(name).Reveal() }

// Secret is the value of name, protected.
func (f Form) Secret(name string) Secret {
	if v := f.values[name]; len(v) > 0 {
		return v[0]
	}
	return Secret{}
}

// Has says whether name was sent with a value.
func (f Form) Has(name string) bool { return len(f.values[name]) > 0 }

// Only says whether no parameter but the named ones was sent.
func (f Form) Only(names ...string) bool {
	for name := range f.values {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// List is every value of a repeatable name.
func (f Form) List(name string) []string {
	list := make([]string, len(f.values[name]))
	for i, value := range f.values[name] {
		list[i] = value.Reveal()
	}
	return list
}

// Encode gives the query that ParseForm would read back, names sorted. Only
// the names listed are carried over, so that nothing unknown travels on.
func (f Form) Encode(names ...string) string {
	out := url.Values{}
	for _, name := range names {
		if f.Has(name) {
			out[name] = f.List(name)
		}
	}
	return out.Encode()
}

// Keep returns a copy that has only the named parameters.
func (f Form) Keep(names ...string) Form {
	out := Form{values: make(map[string][]Secret, len(names))}
	for _, name := range names {
		if f.Has(name) {
			out.values[name] = f.values[name]
		}
	}
	return out
}

// With returns a copy in which name has the one value given, or is gone when
// value is empty.
func (f Form) With(name, value string) Form {
	out := Form{values: make(map[string][]Secret, len(f.values)+1)}
	for k, v := range f.values {
		out.values[k] = v
	}
	delete(out.values, name)
	if value != "" {
		out.values[name] = []Secret{NewSecret(value)}
	}
	return out
}

// String shows the names only.
func (f Form) String() string {
	names := make([]string, 0, len(f.values))
	for name := range f.values {
		names = append(names, name)
	}
	slices.Sort(names)
	return "form[" + strings.Join(names, " ") + "]"
}

// GoString shows the names only.
func (f Form) GoString() string { return f.String() }

// LogValue shows the names only.
func (f Form) LogValue() slog.Value { return slog.StringValue(f.String()) }
