package introspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
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
		return nil, nil, fmt.Errorf("%s: %w", from, transportError(err))
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
		return nil, nil, fmt.Errorf("%s broke off its answer: %w", from, transportError(err))
	}
	if len(body) > maxBody {
		return nil, nil, fmt.Errorf("%s answered with more than %d bytes", from, maxBody)
	}
	return body, response.Header, nil
}

// transportError says what went wrong in our own words. Errors of net/http quote
// the answer, and an answer can quote our request: the token and our secret.
func transportError(err error) error {
	var dns *net.DNSError
	var address *net.OpError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var private *privateError
	switch {
	case errors.As(err, &private):
		return private
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return errors.New("no answer in time")
	case errors.As(err, &dns):
		return errors.New("its name cannot be resolved")
	case errors.As(err, &authority):
		return fmt.Errorf("nobody whom we trust vouches for its certificate: where its CA is one of your own, name it by tls_ca: %w", authority)
	case errors.As(err, &certificate):
		return fmt.Errorf("its certificate is not trusted: %w", certificate.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("it refuses connections")
	case errors.As(err, &address) && address.Op == "remote error": // a TLS alert, of a fixed list
		return fmt.Errorf("it refuses the TLS connection, perhaps for our client certificate: %w", address.Err)
	case errors.As(err, &address):
		return fmt.Errorf("the connection failed (%s)", address.Op)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it closed the connection")
	default:
		return errors.New("it does not speak HTTP as it should")
	}
}

// isMedia says whether an answer has the wanted type. Key sets and the like are
// JSON under names of their own.
func isMedia(contentType, want string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == want || want == "application/json" &&
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// checkEndpoint says whether an address that an issuer gave may be called:
// https, or http on loopback when the issuer itself is there. An issuer on the
// network can so never send us to a plain-text address or to this machine.
func checkEndpoint(issuer, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(endpoint, "#") {
		return errors.New("is not an absolute URL without user name and fragment")
	}
	if u.Scheme == "https" {
		return nil
	}
	if at, err := url.Parse(issuer); err == nil && at.Scheme == "http" && u.Scheme == "http" && oauth.IsLoopbackHost(u.Hostname()) {
		return nil
	}
	return errors.New("must use https (http is for issuers on loopback only)")
}
