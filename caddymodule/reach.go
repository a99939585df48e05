package caddymodule

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
)

// How other sites are reached: what the options that say so have in common.

// addressRanges reads ranges of addresses of an option.
func addressRanges(option string, written []string) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	for _, text := range written {
		allowed, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s takes ranges of addresses, as in 10.0.0.0/8, not %q", option, text)
		}
		ranges = append(ranges, allowed.Masked())
	}
	return ranges, nil
}

// readAuthorities reads the file of certificate authorities that tls_ca names; nil
// when it names none.
func readAuthorities(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tls_ca: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls_ca: %s holds no certificate in PEM form", path)
	}
	return pem, nil
}
