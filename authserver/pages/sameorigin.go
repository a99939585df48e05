package pages

import "net/http"

// Fetch Metadata Request Headers §2.2, RFC 6454 §7

// SameOrigin says whether a form was posted by a page of ours. Browsers say so
// in Sec-Fetch-Site, which scripts cannot set; its verdict is final where it is
// there. Origin must be the issuer's otherwise: our pages send no referrer, so
// browsers may say "null" there for our own forms too (PG3).
func SameOrigin(header http.Header, origin string) bool {
	if site := header.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && site[0] == "same-origin"
	}
	sent := header.Values("Origin")
	return len(sent) == 1 && sent[0] == origin
}
