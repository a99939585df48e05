package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// readPages reads the block. Syntax:
//
//	pages {
//		name      <name>
//		logo      <path>
//		colour    "<#rrggbb>"
//		scope     <scope> [<language>] <words>
//		text      <language> <key> <text>
//		link      [<language>] <label> <url>
//		templates <directory>
//	}
//
// The lines scope, text and link may be repeated.
func (r *Realm) readPages(d *caddyfile.Dispenser) error {
	p := new(Pages)
	r.Pages = p
	return readOnlyBlock(d, "pages", map[string]reader{
		"name":      text(&p.Name),
		"logo":      text(&p.Logo),
		"colour":    p.readColour,
		"scope":     p.readScope,
		"text":      p.readText,
		"link":      p.readLink,
		"templates": text(&p.Templates),
	}, "scope", "text", "link")
}

// readColour says what befalls a # that is not in quotes.
func (p *Pages) readColour(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() == 0 {
		return d.Err(`colour needs an argument; # begins a comment, so write it in quotes: colour "#0b5394"`)
	}
	return text(&p.Colour)(d)
}

func (p *Pages) readScope(d *caddyfile.Dispenser) error {
	words := d.RemainingArgs()
	if len(words) == 2 {
		words = slices.Insert(words, 1, everyLanguage)
	}
	if len(words) != 3 {
		return d.ArgErr()
	}
	return setBelow(d, &p.Scopes, words)
}

func (p *Pages) readText(d *caddyfile.Dispenser) error {
	words := d.RemainingArgs()
	if len(words) != 3 {
		return d.ArgErr()
	}
	return setBelow(d, &p.Texts, words)
}

// setBelow puts the third word under the first two, if nothing is there.
func setBelow(d *caddyfile.Dispenser, target *map[string]map[string]string, words []string) error {
	if _, there := (*target)[words[0]][words[1]]; there {
		return d.Errf("%s %s is there twice", words[0], words[1])
	}
	if *target == nil {
		*target = map[string]map[string]string{}
	}
	if (*target)[words[0]] == nil {
		(*target)[words[0]] = map[string]string{}
	}
	(*target)[words[0]][words[1]] = words[2]
	return nil
}

func (p *Pages) readLink(d *caddyfile.Dispenser) error {
	words := d.RemainingArgs()
	if len(words) == 2 {
		words = slices.Insert(words, 0, "")
	}
	if len(words) != 3 {
		return d.ArgErr()
	}
	p.Links = append(p.Links, PageLink{Language: words[0], Label: words[1], URL: words[2]})
	return nil
}
