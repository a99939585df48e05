package introspect

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// RFC 6890, RFC 4291 §2, RFC 6052 §2.1, RFC 6598

// special4 are the IPv4 addresses that are not somebody's on the internet.
var special4 = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carriers' NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, and the metadata services of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // IETF protocols
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays, gone
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
)

// Of IPv6 only global6 is on the internet, but for special6 in it: all else
// (unspecified, loopback, unique local, link-local, multicast, …) is not.
var (
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes(
		"2001::/23",     // IETF protocols, Teredo
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4: an IPv4 address inside
		"3fff::/20",     // documentation
	)
	// nat64 stands for the IPv4 address in its last four bytes.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")

	loopback = prefixes("127.0.0.0/8", "::1/128")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for n, text := range texts {
		all[n] = netip.MustParsePrefix(text)
	}
	return all
}

func holds(all []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(address) })
}

// plain gives the address that traffic ends at: the IPv4 address in a mapped or
// a NAT64 one, without a zone.
func plain(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if nat64.Contains(address) {
		bytes := address.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return address
}

// isPrivate says whether a plain address is not one on the internet.
func isPrivate(address netip.Addr) bool {
	if address.Is4() {
		return holds(special4, address)
	}
	return !global6.Contains(address) || holds(special6, address)
}

// reach is where an issuer may be.
type reach struct {
	issuer  string
	private []netip.Prefix // those that it may be at
}

// check judges an address before a connection to it is made.
func (r reach) check(address netip.Addr) error {
	if at := plain(address); isPrivate(at) && !holds(r.private, at) {
		return &privateError{at, r.issuer}
	}
	return nil
}

// control implements net.Dialer.ControlContext: it sees what a name has been
// resolved to.
func (r reach) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("cannot judge the address: %w", err)
	}
	return r.check(at.Addr())
}

// privateError refuses an address, and says how to allow it.
type privateError struct {
	address netip.Addr
	issuer  string
}

func (e *privateError) Error() string {
	return fmt.Sprintf("%s is a private address, where issuer %s may not be: if it belongs there, add the line `allow_private %s` to the block of that issuer in the oauth2 option",
		e.address, e.issuer, netip.PrefixFrom(e.address, e.address.BitLen()))
}
