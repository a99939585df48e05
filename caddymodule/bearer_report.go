package caddymodule

import "net/http"

// asItCame are the headers of a request before anything of ours was taken off
// it; nil where nobody will ask for them. Forged identities are off already.
func (b *BearerAuth) asItCame(r *http.Request) http.Header {
	if b.Mode != modeReportOnly {
		return nil
	}
	return r.Header.Clone()
}

// spare lets pass what would be refused, where the mode says so. The upstream
// that still checks tokens by itself gets the credentials as they came, and no
// identity but a verified one.
func (b *BearerAuth) spare(r *http.Request, v verdict, came http.Header) verdict {
	if b.Mode != modeReportOnly {
		return v
	}
	if v.refused != nil {
		v.spared, v.refused, v.token = v.refused, nil, nil
		r.Header = came
		return v
	}
	for _, name := range [...]string{"Authorization", "Dpop"} {
		if values, sent := came[name]; sent {
			r.Header[name] = values
		}
	}
	return v
}
