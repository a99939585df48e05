package introspect

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 9110 §8.3 and §8.4, RFC 8725 §3.10

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
// says otherwise, not compressed, and no more than outbound.MaxBody of it.
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
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, nil, &statusError{response.StatusCode, from, response.Header.Get("Retry-After")}
	case !outbound.Plain(response.Header):
		return nil, nil, fmt.Errorf("%s answered in an encoding that was not asked for", from)
	case !outbound.IsMedia(response.Header, request.Header.Get("Accept")):
		return nil, nil, fmt.Errorf("%s answered with a content type that %w (%s)", from, errMediaType, request.Header.Get("Accept"))
	}
	body, err := outbound.ReadBody(response, from)
	return body, response.Header, err
}
