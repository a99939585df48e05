package outbound

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
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

// Guard says which addresses may be connected to: those of the internet, and the
// private ones that are listed.
type Guard struct {
	// Private are private addresses that are allowed.
	Private []netip.Prefix
	// Advice says how to allow one that is not. It follows "… is a private address".
	Advice func(address netip.Prefix) string
}

// Check judges an address before a connection to it is made. The error is a
// *PrivateError.
func (g Guard) Check(address netip.Addr) error {
	at := plain(address)
	if !isPrivate(at) || holds(g.Private, at) {
		return nil
	}
	refused := &PrivateError{Address: at}
	if g.Advice != nil {
		refused.advice = g.Advice(netip.PrefixFrom(at, at.BitLen()))
	}
	return refused
}

// Control implements net.Dialer.ControlContext: it sees what a name has been
// resolved to.
func (g Guard) Control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("cannot judge the address: %w", err)
	}
	return g.Check(at.Addr())
}

// Barred are the addresses that are written in a URL as such, if none of them may
// be connected to. What a name leads to is not known before.
func (g Guard) Barred(address string) []netip.Prefix {
	at, err := url.Parse(address)
	if err != nil {
		return nil
	}
	var written []netip.Addr
	if host := at.Hostname(); host == "localhost" {
		written = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	} else if ip, err := netip.ParseAddr(host); err == nil {
		written = []netip.Addr{plain(ip)}
	}
	var barred []netip.Prefix
	for _, ip := range written {
		if g.Check(ip) == nil {
			return nil
		}
		barred = append(barred, netip.PrefixFrom(ip, ip.BitLen()))
	}
	return barred
}

// PrivateError refuses an address, and says how to allow it.
type PrivateError struct {
	Address netip.Addr
	advice  string
}

// Error implements error.
func (e *PrivateError) Error() string {
	return fmt.Sprintf("%s is a private address%s", e.Address, e.advice)
}

// WrittenAddresses gives the addresses that the operator wrote into URLs as such:
// these may be private. Loopback is one place, whatever its spelling.
func WrittenAddresses(urls ...string) (written []netip.Prefix) {
	for _, text := range urls {
		at, err := url.Parse(text)
		if err != nil {
			continue
		}
		host := at.Hostname()
		address, err := netip.ParseAddr(host)
		switch {
		case host == "localhost" || err == nil && address.Unmap().IsLoopback():
			written = append(written, loopback...)
		case err == nil:
			address = address.Unmap().WithZone("")
			written = append(written, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	return written
}
