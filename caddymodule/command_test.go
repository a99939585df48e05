package caddymodule

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What the commands print is for people: faults of several lines stay in their
// column, names are those of the configuration, and control characters are gone.
func TestCommandsPrintForPeople(t *testing.T) {
	var out strings.Builder
	c := adminClient{out: &out}
	c.explained(&explained{Mode: modeReportOnly, Decision: decisionRefused, Detail: "one\ntwo\x1b[2J"})
	c.explained(&explained{Mode: modeRequired, Decision: decisionAllowed})
	c.issuer(&introspect.Status{Issuer: "https://a.test", Name: "corp", Error: "three\nfour \"x\"", NextRefresh: time.Unix(0, 0)})
	c.issuer(&introspect.Status{Issuer: "https://b.test", Name: "https://b.test", Ready: true})
	got := out.String()
	for _, want := range []string{
		"detail     one\n             two?[2J\n", "mode       report_only: what is refused here passes",
		"https://a.test\n  NOT READY, called corp in the configuration\n", "error: three\n         four \"x\"\n", "https://b.test\n  ready\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, got)
		}
	}
}
