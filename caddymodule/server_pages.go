package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

// Pages says how the pages of a realm look: sign-in, consent, account and errors.
// Files are read when the configuration is loaded. Relative paths are relative to
// the directory that Caddy was started in. Placeholders (`{env.NAME}`) in paths
// are filled in.
type Pages struct {
	// Name is what people know the site by, at the head of every page. Default: the
	// host of the issuer.
	Name string `json:"name,omitempty"`

	// Logo is the path of an image beside the name: .svg, .png or .webp, 256 KiB at
	// most. Default: none.
	Logo string `json:"logo,omitempty"`

	// Colour is that of buttons and links, as `#rrggbb`. Text on it is black or
	// white, and links are made darker or lighter, so that all can be read in the
	// light and the dark theme. Default: `#0b5394`.
	Colour string `json:"colour,omitempty"`

	// Scopes are scopes in words, by scope and language (`en`, `de`, `es`, `fr`,
	// `ja`, or `default` for those that have none of their own), as the consent and
	// account pages list them. Default: words for the scopes of OpenID Connect in
	// each language; others are shown as they are.
	Scopes map[string]map[string]string `json:"scopes,omitempty"`

	// Texts are texts of the pages in other words, by language and key. Default:
	// ours.
	Texts map[string]map[string]string `json:"texts,omitempty"`

	// Links stand at the foot of every page, 12 at most. Default: none.
	Links []PageLink `json:"links,omitempty"`

	// Templates is the path of a directory with HTML templates and a style sheet
	// that replace ours of the same file name. Default: none.
	Templates string `json:"templates,omitempty"`
}

// PageLink is a link at the foot of the pages.
type PageLink struct {
	// Language is that of the pages which show it. A language that has links of its
	// own shows those alone. Default: all others.
	Language string `json:"language,omitempty"`

	// Label is what it says. Required.
	Label string `json:"label"`

	// URL is where it leads: https. Required.
	URL string `json:"url"`
}

// everyLanguage stands in JSON for the languages that are not named.
const everyLanguage = "default"

// look is what the server gets, with the files in it.
func (p *Pages) look(repl *caddy.Replacer) (pages.Look, error) {
	if p == nil {
		return pages.Look{}, nil
	}
	out := pages.Look{Name: p.Name, Colour: p.Colour}
	for _, link := range p.Links {
		out.Links = append(out.Links, pages.Link{Language: pages.Language(link.Language), Label: link.Label, URL: link.URL})
	}
	for scope, words := range p.Scopes {
		if out.Scopes == nil {
			out.Scopes = map[string]map[pages.Language]string{}
		}
		out.Scopes[scope] = map[pages.Language]string{}
		for lang, text := range words {
			if lang == everyLanguage {
				lang = ""
			}
			out.Scopes[scope][pages.Language(lang)] = text
		}
	}
	for lang, own := range p.Texts {
		if out.Texts == nil {
			out.Texts = map[pages.Language]map[string]string{}
		}
		out.Texts[pages.Language(lang)] = own
	}
	if err := p.readLogo(repl, &out.Logo); err != nil {
		return out, fmt.Errorf("logo: %w", err)
	}
	if err := p.readTemplates(repl, &out.Templates); err != nil {
		return out, fmt.Errorf("templates: %w", err)
	}
	return out, nil
}

func (p *Pages) readLogo(repl *caddy.Replacer, logo *pages.Logo) error {
	if p.Logo == "" {
		return nil
	}
	path, err := repl.ReplaceOrErr(p.Logo, true, true)
	if err != nil {
		return err
	}
	logo.Name = path
	logo.Data, err = readSmall(absolute(path), pages.MaxLogo)
	if err == nil && len(logo.Data) == 0 {
		err = fmt.Errorf("%s is empty", path)
	}
	return err
}

// maxTemplate bounds a template, in bytes.
const maxTemplate = 256 << 10

// readTemplates reads the files of the directory that can be meant: a mistyped
// name is told by package pages, a README is nobody's business.
func (p *Pages) readTemplates(repl *caddy.Replacer, into *pages.Templates) error {
	if p.Templates == "" {
		return nil
	}
	directory, err := repl.ReplaceOrErr(p.Templates, true, true)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(absolute(directory))
	if err != nil {
		return err
	}
	into.Directory, into.Files = directory, map[string]string{}
	for _, entry := range entries {
		name := entry.Name()
		if ending := filepath.Ext(name); strings.HasPrefix(name, ".") || ending != ".html" && ending != ".css" {
			continue
		}
		text, err := readSmall(filepath.Join(directory, name), maxTemplate)
		if err != nil {
			return err
		}
		into.Files[name] = string(text)
	}
	if len(into.Files) == 0 {
		return fmt.Errorf("%s has none of the files that can be replaced: %s", directory, strings.Join(pages.Replaceable(), ", "))
	}
	return nil
}

// absolute is a path as errors name it: whoever reads them need not know where
// Caddy was started.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// readSmall reads a file of at most so many bytes.
func readSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case info.Size() > most:
		return nil, fmt.Errorf("%s is larger than %d KiB", path, most>>10)
	}
	return os.ReadFile(path)
}
