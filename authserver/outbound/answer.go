package outbound

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// RFC 9110 §8.3 and §8.4

// MaxBody bounds every answer of another site, in bytes (RS23).
const MaxBody = 256 << 10

// ReadBody reads an answer to its end, and no more than MaxBody of it. from is who
// answers, for errors.
func ReadBody(response *http.Response, from string) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%s broke off its answer: %w", from, Fault(err))
	}
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%s answered with more than %d bytes", from, MaxBody)
	}
	return body, nil
}

// Plain says whether an answer is as it is, in no encoding.
func Plain(header http.Header) bool {
	encoding := header.Get("Content-Encoding")
	return encoding == "" || strings.EqualFold(encoding, "identity")
}

// IsMedia says whether an answer has the wanted type. Key sets and the like are
// JSON under names of their own.
func IsMedia(header http.Header, want string) bool {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (media == want || want == "application/json" &&
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}
