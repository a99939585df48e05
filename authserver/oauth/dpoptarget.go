package oauth

import (
	"errors"
	"strings"
)

// RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3

var errTarget = errors.New("not an absolute http or https URI")

// NormalTarget gives the form in which an htu and the target of a request are
// compared: scheme and host in lower case without the scheme's own port, the path
// without dot segments, each octet of it either itself or percent-encoded in one
// way, query and fragment cut off. Everything else that differs, differs.
func NormalTarget(uri string) (string, error) {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	scheme, rest, ok := strings.Cut(uri, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "https" && scheme != "http" {
		return "", errTarget
	}
	authority, path := rest, "/"
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority, path = rest[:slash], rest[slash:]
	}
	authority = normalAuthority(scheme, strings.ToLower(authority))
	path, ok = normalEscapes(path)
	if !ok || authority == "" {
		return "", errTarget
	}
	return scheme + "://" + authority + withoutDotSegments(path), nil
}

// normalAuthority takes the default port off host:port; "" when it is neither.
func normalAuthority(scheme, authority string) string {
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
	}
	name, inside := strings.CutPrefix(host, "[")
	if inside {
		if name, inside = strings.CutSuffix(name, "]"); !inside {
			return ""
		}
	}
	for i := range len(name) {
		// A user name and escapes have no place in the address of an API.
		if c := name[i]; !unreserved(c) && (c != ':' || !inside) {
			return ""
		}
	}
	if strings.Trim(port, "0123456789") != "" || name == "" {
		return ""
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return host
	}
	return host + ":" + port
}

// normalEscapes decodes what needs no escape, encodes what does, and writes
// escapes in capitals (RFC 3986 §6.2.2.1 and §6.2.2.2).
func normalEscapes(path string) (normal string, ok bool) {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		escaped := c == '%'
		if escaped {
			value, ok := hex2(path[i+1:])
			if !ok {
				return "", false
			}
			c, i = value, i+2
		}
		if unreserved(c) || !escaped && strings.IndexByte("!$&'()*+,;=:@/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String(), true
}

// hex2 reads the two digits of an escape.
func hex2(text string) (value byte, ok bool) {
	if len(text) < 2 {
		return 0, false
	}
	for i := range 2 {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			value = value<<4 | (c - '0')
		case c >= 'a' && c <= 'f':
			value = value<<4 | (c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			value = value<<4 | (c - 'A' + 10)
		default:
			return 0, false
		}
	}
	return value, true
}

// withoutDotSegments is RFC 3986 §5.2.4 for a path that begins with a slash.
func withoutDotSegments(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "") // what ends in a dot segment is a directory
		}
	}
	return "/" + strings.Join(kept, "/")
}
