package introspect

import (
	"errors"
	"strings"
)

// RFC 3986 §3.3 and §6.2.2

// pattern is a Rule's path: one path, all that begin with a prefix that ends
// in a slash, both, or any.
type pattern struct {
	any   bool
	exact string // "" for none
	below string // "" for none
}

func parsePattern(text string) (pattern, error) {
	path, star := strings.CutSuffix(text, "*")
	switch {
	case text == "*":
		return pattern{any: true}, nil
	case !strings.HasPrefix(text, "/"):
		return pattern{}, errors.New("a path begins with / (or is * for any)")
	case strings.ContainsAny(path, "*"):
		return pattern{}, errors.New("a path may have one *, at its end")
	case strings.ContainsAny(path, "?#%"):
		return pattern{}, errors.New("a path is written decoded, without %, ? and #")
	case AmbiguousPath(path):
		return pattern{}, errors.New("requests with such a path are refused: it has //, a backslash or a dot segment")
	case !star:
		return pattern{exact: path}, nil
	case strings.HasSuffix(path, "/"):
		return pattern{below: path}, nil
	default:
		return pattern{exact: path, below: path + "/"}, nil
	}
}

func (p pattern) matches(path string) bool {
	return p.any || p.exact != "" && path == p.exact || p.below != "" && strings.HasPrefix(path, p.below)
}

// parts takes a pattern apart into patterns of one kind each.
func (p pattern) parts() []pattern {
	if p.exact != "" && p.below != "" {
		return []pattern{{exact: p.exact}, {below: p.below}}
	}
	return []pattern{p}
}

// contains says whether p matches all that part, of one kind, matches.
func (p pattern) contains(part pattern) bool {
	switch {
	case p.any || part.any:
		return p.any
	case part.exact != "":
		return p.matches(part.exact)
	default:
		return p.below != "" && strings.HasPrefix(part.below, p.below)
	}
}

// AmbiguousPath says whether the escaped path of a request could mean another
// one to the upstream: dot segments, %2e, %2f, %5c, backslashes or "//" (RS34).
// So do path parameters ("/write;x"), which some upstreams drop, and NUL.
func AmbiguousPath(escaped string) bool {
	if strings.Contains(escaped, "//") || strings.ContainsAny(escaped, "\\;\x00") {
		return true
	}
	for at := 0; at+2 < len(escaped); at++ {
		if escaped[at] != '%' {
			continue
		}
		switch strings.ToLower(escaped[at+1 : at+3]) {
		case "00", "2e", "2f", "3b", "5c":
			return true
		}
	}
	for segment := range strings.SplitSeq(escaped, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
