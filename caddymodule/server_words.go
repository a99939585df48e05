package caddymodule

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// reader reads what follows a word of a block.
type reader func(d *caddyfile.Dispenser) error

// readBlock reads the block that follows, word by word. It refuses words that
// are not known, and those that stand twice without being repeatable.
func readBlock(d *caddyfile.Dispenser, what string, known map[string]reader, repeatable ...string) error {
	return eachOption(d, func(word string) error {
		read, ok := known[word]
		if !ok {
			return d.Errf("unrecognized %s option %q; there are %s", what, word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := read(d); err != nil {
			return err
		}
		return noBlock(d)
	}, repeatable...)
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

// text reads one argument.
func text(target *string) reader {
	return func(d *caddyfile.Dispenser) error { return wordArg(d, target) }
}

// texts reads one or more arguments.
func texts(target *[]string) reader {
	return func(d *caddyfile.Dispenser) error { return wordsArg(d, target) }
}

// span reads a duration over zero.
func span(target *caddy.Duration) reader {
	return func(d *caddyfile.Dispenser) error { return durationArg(d, target) }
}

// spanOr reads a duration, or a word that stands for a value of its own.
func spanOr(word string, value caddy.Duration, target *caddy.Duration) reader {
	return func(d *caddyfile.Dispenser) error {
		ahead := *d
		if ahead.NextArg() && ahead.Val() == word {
			*target = value
			return wordArg(d, new(string))
		}
		return durationArg(d, target)
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

// onOff reads a switch.
func onOff(target **bool) reader {
	return func(d *caddyfile.Dispenser) error {
		var written string
		if err := wordArg(d, &written); err != nil {
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

// noArgs refuses arguments.
func noArgs(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}
