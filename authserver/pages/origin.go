package pages

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// loaded are the attributes by which an element loads something.
var loaded = map[string][]string{
	"img": {"src", "srcset"}, "source": {"src", "srcset"}, "input": {"src"}, "image": {"href", "xlink:href"},
	"link": {"href", "imagesrcset"}, "script": {"src"}, "body": {"background"},
}

// foreign is what an element loads from elsewhere than origin, "" for nothing.
func foreign(node *html.Node, origin string) string {
	for _, name := range loaded[node.Data] {
		addresses := []string{attribute(node, name)}
		if strings.HasSuffix(name, "srcset") {
			addresses = strings.Split(addresses[0], ",")
		}
		for _, address := range addresses {
			if address, _, _ = strings.Cut(strings.TrimSpace(address), " "); !ownAddress(address, origin) {
				return address
			}
		}
	}
	return ""
}

// ownAddress says whether an address in a page is of the origin that the page is
// of ('self', Content Security Policy Level 3 §6.7.2.8).
func ownAddress(address, origin string) bool {
	parsed, err := url.Parse(strings.ReplaceAll(address, `\`, "/")) // as browsers read it
	if err != nil {
		return false
	}
	return parsed.Scheme == "" && parsed.Host == "" || parsed.Scheme+"://"+parsed.Host == origin
}

var (
	cssComment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cssNamespace = regexp.MustCompile(`(?i)@namespace[^;]*;`)
	cssFont      = regexp.MustCompile(`(?i)@font-face\b`)
	cssAddress   = regexp.MustCompile(`(?i)(?:@import\s+(?:url\(\s*)?|\burl\(\s*|\bimage-set\(\s*(?:url\(\s*)?)["']?\s*([^"'()\s;]+)`)
)

// checkStyle finds what a style sheet loads that the policy of the pages stops.
func checkStyle(style, origin string) error {
	style = cssNamespace.ReplaceAllString(cssComment.ReplaceAllString(style, " "), " ")
	if cssFont.MatchString(style) {
		return fmt.Errorf("%s: there is an @font-face, which the policy of the pages stops: name fonts that people have", assetStyle)
	}
	for _, found := range cssAddress.FindAllStringSubmatch(style, -1) {
		if !ownAddress(found[1], origin) {
			return fmt.Errorf("%s: it loads %s, which the policy of the pages stops: load from the server's own origin alone", assetStyle, found[1])
		}
	}
	return nil
}
