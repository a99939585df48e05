package caddymodule

import (
	"fmt"
	"net/netip"
)

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
