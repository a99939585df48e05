package pages

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/net/html"
)

// unsound is what of a page the policy stops, or keeps it from working. Nothing
// in it comes from a stranger: it is asked of samples. script is that of the page.
func unsound(body []byte, page Page, script, origin string) []string {
	document, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return []string{err.Error()}
	}
	_, leaves := page.(FormPost)
	var faults []string
	var forms []*html.Node
	for node := range document.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		for _, a := range node.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				faults = append(faults, fmt.Sprintf("<%s> has the attribute %s, which the policy of the pages stops; use style.css", node.Data, a.Key))
			}
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				faults = append(faults, fmt.Sprintf("<%s> has a script as its address, which the policy of the pages stops", node.Data))
			}
		}
		if address := foreign(node, origin); address != "" {
			faults = append(faults, fmt.Sprintf("<%s> loads %s, which the policy of the pages stops: load from the server's own origin alone", node.Data, address))
		}
		switch node.Data {
		case "style", "base", "iframe", "object", "embed":
			faults = append(faults, fmt.Sprintf("there is a <%s>, which the policy of the pages stops", node.Data))
		case "script":
			if attribute(node, "src") == "" {
				faults = append(faults, "there is an inline <script>, which the policy of the pages stops")
			} else if script == "" {
				faults = append(faults, "there is a <script>, which the policy of a page without .Script stops")
			}
		case "form":
			forms = append(forms, node)
			if leaves {
				continue
			}
			if has(node, "action") {
				faults = append(faults, "a <form> has an action; forms post to the address of their page")
			}
			if !strings.EqualFold(attribute(node, "method"), "post") {
				faults = append(faults, `a <form> lacks method="post"`)
			}
			if !sends(node, "form_token") {
				faults = append(faults, "a <form> lacks the hidden field form_token, without which it is refused")
			}
		}
	}
	return append(faults, missing(forms, page)...)
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(node *html.Node, name string) bool {
	for _, a := range node.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
