package pages

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Look is how the pages of a realm look. The zero value is ours.
type Look struct {
	// Name is what people know the site by; the host of the issuer when empty.
	Name string
	// Logo is shown above every page; an empty one is none.
	Logo Logo
	// Colour is that of buttons and links, as #rgb or #rrggbb; ours when empty.
	Colour string
	// Scopes are scope tokens in words by language; "" stands for every language
	// that has no words of its own.
	Scopes map[string]map[Language]string
	// Texts are texts of the pages in other words, by language and key.
	Texts map[Language]map[string]string
	// Links stand at the foot of every page.
	Links []Link
	// Templates replace files of ours.
	Templates Templates
}

// Link is one at the foot of the pages: an imprint, a privacy statement. A
// language that has links of its own shows those alone.
type Link struct {
	Language   Language
	Label, URL string
}

// Logo is an image file.
type Logo struct {
	// Name is the name of the file, for errors; its ending says what it is.
	Name string
	Data []byte
}

// Templates are files by name, as they stand in a directory.
type Templates struct {
	// Directory is where they are, for errors.
	Directory string
	Files     map[string]string
}

// MaxLogo is the size of the largest logo, in bytes.
const MaxLogo = 256 << 10

const (
	maxName  = 100
	maxLinks = 12
)

// check finds what of a look cannot be shown, templates and texts apart.
func (l *Look) check() error {
	if len(l.Name) > maxName {
		return fmt.Errorf("the name is longer than %d bytes", maxName)
	}
	if len(l.Logo.Data) > 0 {
		if _, err := l.Logo.mime(); err != nil {
			return fmt.Errorf("logo %s %w", l.Logo.Name, err)
		}
	}
	for token, words := range l.Scopes {
		for lang, text := range words {
			if lang != "" {
				if err := checkLanguage(lang); err != nil {
					return fmt.Errorf("scope %s: %w", token, err)
				}
			}
			if strings.TrimSpace(text) == "" || len(text) > maxText {
				return fmt.Errorf("scope %s: the words are empty or longer than %d bytes", token, maxText)
			}
		}
	}
	if len(l.Links) > maxLinks {
		return fmt.Errorf("there are more than %d links", maxLinks)
	}
	for _, link := range l.Links {
		if err := link.check(); err != nil {
			return fmt.Errorf("link %q %w", link.Label, err)
		}
	}
	return nil
}

func (l Link) check() error {
	if l.Language != "" {
		if err := checkLanguage(l.Language); err != nil {
			return fmt.Errorf("has another language: %w", err)
		}
	}
	address, err := url.Parse(l.URL)
	if err != nil || address.Scheme != "https" || address.Host == "" || address.User != nil {
		return fmt.Errorf("leads to %q; write an https URL", l.URL)
	}
	if strings.TrimSpace(l.Label) == "" || len(l.Label) > maxName {
		return fmt.Errorf("needs a label of at most %d bytes", maxName)
	}
	return nil
}

// linksIn are the links that a page in a language shows.
func linksIn(all []Link, lang Language) []Link {
	var own, shared []Link
	for _, link := range all {
		switch link.Language {
		case lang:
			own = append(own, link)
		case "":
			shared = append(shared, link)
		}
	}
	if len(own) > 0 {
		return own
	}
	return shared
}

// mime is the media type of a logo whose bytes are what its name says.
func (l Logo) mime() (string, error) {
	if len(l.Data) > MaxLogo {
		return "", fmt.Errorf("is larger than %d KiB; make it smaller, it is sent to everyone who signs in", MaxLogo>>10)
	}
	name := strings.ToLower(l.Name)
	switch {
	case strings.HasSuffix(name, ".png"):
		if bytes.HasPrefix(l.Data, []byte("\x89PNG\r\n\x1a\n")) {
			return "image/png", nil
		}
	case strings.HasSuffix(name, ".webp"):
		if len(l.Data) > 12 && string(l.Data[:4]) == "RIFF" && string(l.Data[8:12]) == "WEBP" {
			return "image/webp", nil
		}
	case strings.HasSuffix(name, ".svg"):
		if err := checkSVG(l.Data); err != nil {
			return "", err
		}
		return "image/svg+xml", nil
	default:
		return "", errors.New("must be a .svg, .png or .webp file")
	}
	return "", errors.New("is not what the ending of its name says")
}

// checkSVG says whether a file is an SVG image. What it may do is up to the
// policy it is served with, and to browsers, which run nothing in an image.
func checkSVG(data []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.CharsetReader = nil
	for {
		token, err := decoder.RawToken()
		if err != nil {
			return fmt.Errorf("is no SVG image: %w", err)
		}
		if element, ok := token.(xml.StartElement); ok {
			if element.Name.Local != "svg" {
				return fmt.Errorf("is no SVG image: it begins with <%s>", element.Name.Local)
			}
			return nil
		}
	}
}
