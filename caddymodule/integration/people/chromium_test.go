package people

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take on a busy machine.
const patience = time.Minute

// tab is one tab of a Chromium, and the person before it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // of the browser, about the policy and the page's scripts
}

// newTab starts a Chromium with a profile of its own, which finds no hosts but
// loopback and is without some features.
func newTab(t *testing.T, without ...string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs Chromium: apt install chromium")
		}
		t.Skip("needs Chromium: apt install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	for name, value := range map[string]any{
		"disable-quic": true, "disable-background-networking": true, "disable-component-update": true, "disable-sync": true,
		"no-first-run": true, "disable-dev-shm-usage": true, "lang": "en-US",
		"disable-features":    strings.Join(append([]string{"Translate"}, without...), ","),
		"host-resolver-rules": "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
	} {
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel()
		stop()
	})
	return watch(t, ctx)
}

// another tab of the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return watch(b.t, ctx)
}

// watch fails the test for whatever the browser complains about (PG1).
func watch(t *testing.T, ctx context.Context) *tab {
	t.Helper()
	b := &tab{t: t, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch event := event.(type) {
		case *log.EventEntryAdded:
			if strings.Contains(event.Entry.Text, "Content Security Policy") || event.Entry.Source == log.EntrySourceSecurity {
				b.complaints = append(b.complaints, event.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			b.complaints = append(b.complaints, event.ExceptionDetails.Text)
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.complaints) > 0 {
			t.Errorf("the browser complains: %s", strings.Join(b.complaints, "\n"))
		}
	})
	return b
}

// do runs actions, and ends the test when one fails.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	read(b, chromedp.Steps(actions...))
}

// read runs an action that gives something.
func read[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("%v; the page is %s", err, b.saw())
	}
	return value
}

// command is one of the developer tools.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	return read(b, func(ctx context.Context, target *chromedp.Target) (R, error) {
		return cdp.Call(ctx, target, c, params)
	})
}

// saw is what the page says, for messages.
func (b *tab) saw() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	said, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + (document.body ? document.body.innerText : '')"))
	if err != nil {
		return err.Error()
	}
	return said
}

// open goes to an address and waits for its page.
func (b *tab) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// at is where the tab is.
func (b *tab) at() string {
	b.t.Helper()
	return read(b, chromedp.Location())
}

// text is what a person reads on the page.
func (b *tab) text() string {
	b.t.Helper()
	return read(b, chromedp.Evaluate[string]("document.body.innerText"))
}

// fill types into a field by its name.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	field := chromedp.CSS(`input[name="` + name + `"]`)
	b.do(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
}

// press clicks what a selector finds, and waits for the page that follows.
func (b *tab) press(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		b.t.Fatalf("pressing %s: %v; the page is %s", selector, err, b.saw())
	}
}

// back is the browser's button.
func (b *tab) back() {
	b.t.Helper()
	read(b, chromedp.Evaluate[chromedp.Void]("history.back()"))
}

// pressAgain clicks on a page that the browser has kept, which is no new one to
// wait for, and waits until it is left or says something else.
func (b *tab) pressAgain(selector string) {
	b.t.Helper()
	before := b.saw()
	read(b, chromedp.Evaluate[chromedp.Void]("document.querySelector("+quote(selector)+").click()"))
	b.until("another page", func() bool { said := b.saw(); return said != before && strings.Contains(said, "\n") })
}

// until waits for something to hold.
func (b *tab) until(what string, holds func() bool) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			b.t.Fatalf("not %s; the page is %s", what, b.saw())
		}
	}
}

// has says whether the page has what a selector finds.
func (b *tab) has(selector string) bool {
	b.t.Helper()
	return read(b, chromedp.Evaluate[bool]("document.querySelector("+quote(selector)+") !== null"))
}

// wants fails the test unless the page says all of this.
func (b *tab) wants(texts ...string) {
	b.t.Helper()
	said := b.text()
	for _, text := range texts {
		if !strings.Contains(said, text) {
			b.t.Errorf("the page does not say %q: %s", text, b.saw())
		}
	}
}

// withoutScripts switches the page's own scripts off.
func (b *tab) withoutScripts() {
	b.t.Helper()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// submit is the button that sends what was filled in.
const submit = `main form button[type="submit"]:not([name])`

// button is one with a name and a value.
func button(name, value string) string { return `button[name="` + name + `"][value="` + value + `"]` }

func quote(text string) string { return "`" + strings.ReplaceAll(text, "`", "\\`") + "`" }
