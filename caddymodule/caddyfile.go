package caddymodule

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// reader reads what follows a word of a block.
type reader func(d *caddyfile.Dispenser) error

// readBlock reads the block that follows, word by word. It refuses words that
// are not known, and those that stand twice without being repeatable.
func readBlock(d *caddyfile.Dispenser, what string, known map[string]reader, repeatable ...string) error {
	var seen []string
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if slices.Contains(seen, word) && !slices.Contains(repeatable, word) {
			return d.Errf("option %s is there twice", word)
		}
		seen = append(seen, word)
		read, ok := known[word]
		if !ok {
			return d.Errf("unrecognized %s option %q; there are %s", what, word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := read(d); err != nil {
			return err
		}
		if err := noBlock(d); err != nil {
			return err
		}
	}
	return nil
}

// readOnlyBlock reads the block of a word that has no arguments.
func readOnlyBlock(d *caddyfile.Dispenser, what string, known map[string]reader, repeatable ...string) error {
	if d.NextArg() {
		return d.Errf("%s takes a block, not %q; its options are %s", what, d.Val(), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return readBlock(d, what, known, repeatable...)
}

// noBlock refuses a block where none is read: its words would be taken for
// those of the block around it.
func noBlock(d *caddyfile.Dispenser) error {
	word := d.Val()
	if d.NextBlock(d.Nesting()) {
		return d.Errf("there is no block after %s", word)
	}
	return nil
}

// noArgs refuses arguments.
func noArgs(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// text reads exactly one argument.
func text(target *string) reader {
	return func(d *caddyfile.Dispenser) error {
		if !d.AllArgs(target) {
			return d.ArgErr()
		}
		return nil
	}
}

// texts reads one or more arguments.
func texts(target *[]string) reader {
	return func(d *caddyfile.Dispenser) error {
		words := d.RemainingArgs()
		if len(words) == 0 {
			return d.ArgErr()
		}
		*target = append(*target, words...)
		return nil
	}
}

// duration is a span of time in JSON, of Caddy's type or ours.
type duration interface{ ~int64 }

// span reads exactly one duration over zero.
func span[D duration](target *D) reader {
	return func(d *caddyfile.Dispenser) error {
		var written string
		if err := text(&written)(d); err != nil {
			return err
		}
		value, err := caddy.ParseDuration(written)
		if err != nil || value <= 0 {
			return d.Errf("%q is no duration such as 90s, 10m or 30d", written)
		}
		*target = D(value)
		return nil
	}
}

// spanOr reads a duration, or a word that stands for a value of its own.
func spanOr[D duration](word string, value D, target *D) reader {
	return spanUnless(func(written string) bool { return written == word }, value, target)
}

// spanOrOff reads a duration, or off or a duration of zero, which are -1 in
// JSON: there 0 stands for the default.
func spanOrOff[D duration](target *D) reader {
	return spanUnless(func(written string) bool {
		length, err := caddy.ParseDuration(written)
		return written == "off" || err == nil && length == 0
	}, -1, target)
}

// spanUnless reads a duration, or an argument that means another value.
func spanUnless[D duration](means func(written string) bool, value D, target *D) reader {
	return func(d *caddyfile.Dispenser) error {
		ahead := *d
		if ahead.NextArg() && means(ahead.Val()) {
			*target = value
			return text(new(string))(d)
		}
		return span(target)(d)
	}
}

// spanOrDefault reads a duration, or takes one when none is written.
func spanOrDefault(fallback time.Duration, target *caddy.Duration) reader {
	return func(d *caddyfile.Dispenser) error {
		if d.CountRemainingArgs() == 0 {
			*target = caddy.Duration(fallback)
			return nil
		}
		return span(target)(d)
	}
}

// flag is a word that stands alone.
func flag(target *bool) reader {
	return func(d *caddyfile.Dispenser) error {
		*target = true
		option := d.Val()
		if d.NextArg() {
			return d.Errf("%s stands alone, without %q; leave the line out to switch it off", option, d.Val())
		}
		return nil
	}
}

// count reads a number over zero.
func count(target *int32) reader {
	return func(d *caddyfile.Dispenser) error {
		var written string
		if err := text(&written)(d); err != nil {
			return err
		}
		n, err := strconv.ParseInt(written, 10, 32)
		if err != nil || n < 1 {
			return d.Errf("%q is no whole number from 1 to %d", written, math.MaxInt32)
		}
		*target = int32(n)
		return nil
	}
}

// onOff reads a switch.
func onOff(target **bool) reader {
	return func(d *caddyfile.Dispenser) error {
		var written string
		if err := text(&written)(d); err != nil {
			return err
		}
		if written != "on" && written != "off" {
			return d.Errf("%q is neither on nor off", written)
		}
		on := written == "on"
		*target = &on
		return nil
	}
}

// switches reads words that follow on the same line, each once at most.
func switches(known map[string]*bool) reader {
	return func(d *caddyfile.Dispenser) error {
		option := d.Val()
		for d.NextArg() {
			on, ok := known[d.Val()]
			if !ok {
				return d.Errf("%s takes no %q; there are %s", option, d.Val(), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			}
			if *on {
				return d.Errf("%s %s is there twice", option, d.Val())
			}
			*on = true
		}
		return nil
	}
}
