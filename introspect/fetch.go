package introspect

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 9110 §8.3 and §8.4, RFC 8725 §3.10

// maxBody bounds every answer of an issuer (RS23).
const maxBody = 256 << 10

// statusError is an answer other than 200.
type statusError struct {
	code       int
	from       string
	retryAfter string // as it came
}

func (e *statusError) Error() string { return fmt.Sprintf("%s answered %d", e.from, e.code) }

// errMediaType is an answer in another format than the one asked for.
var errMediaType = errors.New("is not what was asked for")

// roundTrip does a request and reads its answer and the header of it: 200, by its
// own account in the format that Accept names, which is JSON unless the request
// says otherwise, not compressed, and no more than maxBody of it.
func roundTrip(client *http.Client, request *http.Request) ([]byte, http.Header, error) {
	from := request.URL.Redacted()
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "application/json")
	}
	// Asked for by name, identity keeps the transport from inflating by itself.
	request.Header.Set("Accept-Encoding", "identity")
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", from, outbound.Fault(err))
	}
	defer response.Body.Close()
	switch encoding := response.Header.Get("Content-Encoding"); {
	case response.StatusCode != http.StatusOK:
		return nil, nil, &statusError{response.StatusCode, from, response.Header.Get("Retry-After")}
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return nil, nil, fmt.Errorf("%s answered in an encoding that was not asked for", from)
	case !isMedia(response.Header.Get("Content-Type"), request.Header.Get("Accept")):
		return nil, nil, fmt.Errorf("%s answered with a content type that %w (%s)", from, errMediaType, request.Header.Get("Accept"))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s broke off its answer: %w", from, outbound.Fault(err))
	}
	if len(body) > maxBody {
		return nil, nil, fmt.Errorf("%s answered with more than %d bytes", from, maxBody)
	}
	return body, response.Header, nil
}

// isMedia says whether an answer has the wanted type. Key sets and the like are
// JSON under names of their own.
func isMedia(contentType, want string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == want || want == "application/json" &&
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}
