package factor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
)

// site is who passkeys are for (Web Authentication §5.1.3 and §13.4.9).
type site struct {
	rpID, origin string
	usable       bool
}

func siteOf(issuer *url.URL) site {
	host := strings.ToLower(issuer.Hostname())
	s := site{rpID: host, origin: strings.ToLower(issuer.Scheme + "://" + issuer.Host)}
	// Browsers leave the default port out of an origin (RFC 6454 §6.2).
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if issuer.Scheme == scheme {
			s.origin = strings.TrimSuffix(s.origin, port)
		}
	}
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	s.usable = host != "" && net.ParseIP(host) == nil && (issuer.Scheme == "https" || local)
	return s
}

// check judges what both ceremonies have in common, but for the challenge, which
// has been found genuine (§7.1 steps 7 to 17, §7.2 steps 11 to 20).
func (s site) check(r response, ceremony protocol.CeremonyType, verified bool) error {
	// Exactly, where the library folds case and ports.
	if r.client.Origin != s.origin {
		return fmt.Errorf("origin %.200q, want %s", r.client.Origin, s.origin)
	}
	// No page of ours stands inside another one.
	err := r.client.Verify(r.client.Challenge, ceremony, []string{s.origin}, nil, nil, protocol.TopOriginExplicitVerificationMode, false)
	if err != nil {
		return detailed(err)
	}
	rpIDHash := sha256.Sum256([]byte(s.rpID))
	if err := r.device.Verify(rpIDHash[:], nil, verified, true); err != nil {
		return detailed(err)
	}
	if r.device.Flags.HasBackupState() && !r.device.Flags.HasBackupEligible() {
		return errors.New("backed up and not to be backed up")
	}
	return nil
}

// detailed says what the library knows of an error.
func detailed(err error) error {
	var known *protocol.Error
	if errors.As(err, &known) && known.DevInfo != "" {
		return fmt.Errorf("%w: %.300q", err, known.DevInfo)
	}
	return err
}
