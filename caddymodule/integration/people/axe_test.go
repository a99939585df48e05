package people

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const axePath = "../testdata/npm/node_modules/axe-core/axe.min.js"

// The themes of the pages.
var themes = []string{"light", "dark"}

// theme switches what the person likes.
func (b *tab) theme(name string) {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// accessible fails the test for what axe-core finds serious on the page, in both
// themes (PG14).
func (b *tab) accessible(page string) {
	b.t.Helper()
	script, err := os.ReadFile(axePath)
	if err != nil {
		if os.Getenv("CI") == "true" {
			b.t.Fatal(err)
		}
		b.t.Logf("accessibility is not looked at without axe-core: npm ci --ignore-scripts --prefix caddymodule/integration/testdata/npm")
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	// The policy of the page does not hold for what the developer tools run.
	if err := chromedp.Do(ctx, chromedp.Steps(inject(string(script)))); err != nil {
		b.t.Fatal(err)
	}
	for _, theme := range themes {
		b.theme(theme)
		b.examine(page + ", " + theme)
	}
	b.theme(themes[0])
}

func (b *tab) examine(page string) {
	b.t.Helper()
	found := read(b, chromedp.Evaluate[string](
		`axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.filter(v => v.impact === 'serious' || v.impact === 'critical')
			.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + ' ' + n.failureSummary)}))))`,
		func(p *runtime.EvaluateParams) { p.AwaitPromise = yes() }))
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatalf("%v: %s", err, found)
	}
	for _, v := range violations {
		b.t.Errorf("PG14: %s: %s: %s\n\t%s", page, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

func inject(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf("(() => { %s\n })()", script))
}

func yes() *bool { t := true; return &t }
