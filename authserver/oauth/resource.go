package oauth

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// RFC 8707

// MaxResources bounds how many resources one request may name.
const MaxResources = 10

// CheckResource says whether uri may identify a protected resource: an
// absolute URI without fragment (RFC 8707 §2).
func CheckResource(uri string) error {
	if err := checkURIText(uri); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || strings.Contains(uri, "#") {
		return errors.New("is not an absolute URI without a fragment, such as https://api.example.com")
	}
	return nil
}

// RequestedResources decides the audience of a grant: what the request names,
// all of which must be allowed, or the default when it names nothing.
func RequestedResources(requested, allowed []string, fallback string) ([]string, error) {
	if len(requested) == 0 {
		return []string{fallback}, nil
	}
	if len(requested) > MaxResources {
		return nil, InvalidTarget()
	}
	var out []string
	for _, uri := range requested {
		if !slices.Contains(allowed, uri) {
			return nil, InvalidTarget()
		}
		if !slices.Contains(out, uri) {
			out = append(out, uri)
		}
	}
	return out, nil
}
