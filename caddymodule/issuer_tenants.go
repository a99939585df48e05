package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// tenantMark stands for the name of a tenant.
const tenantMark = "{tenant}"

// tenantName is one label: nothing in it ends a host or a path segment.
var tenantName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$`)

// tenants are the names to fill in; "" alone where there are none.
func (i *ForeignIssuer) tenants() []string {
	if len(i.Tenants) == 0 {
		return []string{""}
	}
	return i.Tenants
}

// checkTenants holds the list and the places for its names together.
func (i *ForeignIssuer) checkTenants() error {
	marks := strings.Count(i.URL, tenantMark)
	switch {
	case len(i.Tenants) == 0 && marks > 0:
		return fmt.Errorf("the URL %s has %s: list them all, as in `tenants acme globex`", i.URL, tenantMark)
	case len(i.Tenants) == 0:
		return nil
	case marks != 1:
		return fmt.Errorf("there are tenants, so the URL must have %s in it once; %s has it %d times", tenantMark, i.URL, marks)
	case len(i.Tenants) > 1 && i.Introspection != nil && i.ValidateBy != introspect.ValidateIntrospect:
		return errors.New("nothing in an opaque token says which tenant it is of: take introspection away, or use validate introspect to have JWTs introspected")
	}
	for n, name := range i.Tenants {
		if !tenantName.MatchString(name) {
			return fmt.Errorf("tenant %q is no name to put into a URL: use letters, digits and _-. and begin with no dot", name)
		}
		if slices.Contains(i.Tenants[:n], name) {
			return fmt.Errorf("tenant %s is there twice", name)
		}
	}
	return nil
}
