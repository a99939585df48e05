package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Fault says what went wrong with a request in our own words. Errors of net/http
// quote the answer, and an answer can quote our request: tokens and our secret.
func Fault(err error) error {
	var dns *net.DNSError
	var address *net.OpError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var private *PrivateError
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
