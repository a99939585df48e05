package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// eachOption reads the block that follows and calls read with each option in
// it. An option may stand once, unless it is repeatable.
func eachOption(d *caddyfile.Dispenser, read func(option string) error, repeatable ...string) error {
	var seen []string
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if slices.Contains(seen, option) && !slices.Contains(repeatable, option) {
			return d.Errf("option %s is there twice", option)
		}
		seen = append(seen, option)
		if err := read(option); err != nil {
			return err
		}
	}
	return nil
}

// wordArg reads exactly one argument.
func wordArg(d *caddyfile.Dispenser, target *string) error {
	if !d.AllArgs(target) {
		return d.ArgErr()
	}
	return nil
}

// wordsArg reads one or more arguments.
func wordsArg(d *caddyfile.Dispenser, target *[]string) error {
	words := d.RemainingArgs()
	if len(words) == 0 {
		return d.ArgErr()
	}
	*target = append(*target, words...)
	return nil
}

// durationArg reads exactly one duration over zero.
func durationArg(d *caddyfile.Dispenser, target *caddy.Duration) error {
	var written string
	if err := wordArg(d, &written); err != nil {
		return err
	}
	value, err := caddy.ParseDuration(written)
	if err != nil || value <= 0 {
		return d.Errf("%q is no duration such as 90s, 10m or 30d", written)
	}
	*target = caddy.Duration(value)
	return nil
}
