package introspect_test

import (
	"fmt"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What it costs to find the rule of a request: the last one, and none.
func BenchmarkDecide(b *testing.B) {
	for _, count := range []int{5, 500} {
		rules := make([]introspect.Rule, count)
		for n := range rules {
			rules[n] = introspect.Rule{Methods: []string{"GET"}, Path: fmt.Sprintf("/v1/things%03d*", n), Scope: []string{"read"}}
		}
		made, _, err := introspect.NewRules(rules)
		if err != nil {
			b.Fatal(err)
		}
		for name, path := range map[string]string{"last": fmt.Sprintf("/v1/things%03d/7/parts", count-1), "none": "/v1/things/7/parts"} {
			b.Run(fmt.Sprintf("%d rules, %s", count, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if decision, _ := made.Decide("GET", path); (decision == introspect.Deny) != (name == "none") {
						b.Fatal(decision)
					}
				}
			})
		}
	}
}
