package outbound_test

import (
	"net/netip"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

func TestG86_PrivateAddresses(t *testing.T) {
	for address, private := range map[string]bool{
		"1.1.1.1": false, "9.255.255.255": false, "11.0.0.0": false, "100.63.255.255": false, "100.128.0.0": false,
		"172.15.255.255": false, "172.32.0.0": false, "192.167.255.255": false, "198.17.255.255": false, "223.255.255.255": false,
		"2606:4700::1111": false, "2a00::1": false, "64:ff9b::1.1.1.1": false, "::ffff:1.1.1.1": false,

		"0.0.0.0": true, "0.1.2.3": true, "10.0.0.1": true, "100.64.0.1": true, "127.0.0.1": true, "127.255.255.255": true,
		"169.254.169.254": true, "172.16.0.1": true, "172.31.255.255": true, "192.0.0.170": true, "192.0.2.1": true, "192.88.99.1": true,
		"192.168.0.1": true, "198.18.0.1": true, "198.51.100.1": true, "203.0.113.1": true, "224.0.0.1": true, "239.1.1.1": true,
		"240.0.0.1": true, "255.255.255.255": true,
		"::": true, "::1": true, "::7f00:1": true, "::ffff:127.0.0.1": true, "::ffff:10.0.0.1": true, "64:ff9b::a00:1": true,
		"64:ff9b::169.254.169.254": true, "64:ff9b:1::1": true, "100::1": true, "2001::1": true, "2001:db8::1": true, "2002:a00:1::": true,
		"3fff::1": true, "5f00::1": true, "fc00::1": true, "fd00:ec2::254": true, "fe80::1": true, "fe80::1%eth0": true, "fec0::1": true,
		"ff02::1": true, "4000::1": true,
	} {
		err := outbound.Guard{}.Check(netip.MustParseAddr(address))
		if (err != nil) != private {
			t.Errorf("%s: %v, want private %v", address, err, private)
		}
	}
}
