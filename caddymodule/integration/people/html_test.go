package people

import (
	"regexp"

	"github.com/chromedp/chromedp"
)

// outerHTML is an element as the browser has it.
func outerHTML(selector string) chromedp.Action[string] {
	return chromedp.OuterHTML(chromedp.CSS(selector))
}

var changing = regexp.MustCompile(`name="form_token" value="[^"]*"|data-passkey-get="[^"]*"`)

// withoutTokens takes what is new each time out of a page.
func withoutTokens(html string) string { return changing.ReplaceAllString(html, "") }
