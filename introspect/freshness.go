package introspect

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RFC 9111 §5.2.2

// maxAge reads max-age of a Cache-Control header. An answer that is not to be
// kept at all says nothing about when keys change: 0, as without the header.
func maxAge(header http.Header) (age time.Duration) {
	for _, line := range header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return 0
			case "max-age":
				seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
				if err != nil {
					return 0
				}
				age = time.Duration(seconds) * time.Second
			}
		}
	}
	return age
}
