package caddymodule

import (
	"context"
	"errors"
	"testing"
)

type contextKey struct{}

// A streamContext behaves as one that is made at once, whenever it is asked and
// however it ends.
func TestAContextThatIsMadeLateIsLikeAnyOther(t *testing.T) {
	for name, test := range map[string]struct {
		end   func(c *streamContext, parent context.CancelFunc)
		cause error
	}{
		"the handler returns":         {func(c *streamContext, _ context.CancelFunc) { c.end(nil) }, context.Canceled},
		"a cut":                       {func(c *streamContext, _ context.CancelFunc) { c.end(errStreamCut) }, errStreamCut},
		"a cut, then the end":         {func(c *streamContext, _ context.CancelFunc) { c.end(errStreamCut); c.end(nil) }, errStreamCut},
		"the end, then a cut":         {func(c *streamContext, _ context.CancelFunc) { c.end(nil); c.end(errStreamCut) }, context.Canceled},
		"the client goes away":        {func(_ *streamContext, parent context.CancelFunc) { parent() }, context.Canceled},
		"the client goes, then a cut": {func(c *streamContext, parent context.CancelFunc) { parent(); c.end(errStreamCut) }, context.Canceled},
	} {
		for _, asked := range []bool{true, false} {
			parent, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "value"))
			c := &streamContext{Context: parent}
			var child context.Context
			if asked {
				var leave context.CancelFunc
				child, leave = context.WithCancel(c)
				defer leave()
				if c.Err() != nil || child.Err() != nil || context.Cause(c) != nil {
					t.Errorf("%s: it ended too soon", name)
				}
			}
			test.end(c, cancel)
			if <-c.Done(); !errors.Is(c.Err(), context.Canceled) || !errors.Is(context.Cause(c), test.cause) {
				t.Errorf("%s, asked before: %v: %v, by %v", name, asked, c.Err(), context.Cause(c))
			}
			if asked && !errors.Is(context.Cause(child), test.cause) {
				t.Errorf("%s: what was made of it ended by %v", name, context.Cause(child))
			}
			if c.Value(contextKey{}) != "value" {
				t.Errorf("%s: a value is lost", name)
			}
			cancel()
		}
	}
}
