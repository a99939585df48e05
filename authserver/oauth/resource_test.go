package oauth_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestAS32_RequestedResources(t *testing.T) {
	allowed := []string{"https://a.test", "https://b.test", "urn:api"}
	for _, test := range []struct {
		name      string
		requested []string
		want      []string
	}{
		{"none asked gives the default", nil, []string{"https://default.test"}},
		{"one", []string{"https://a.test"}, []string{"https://a.test"}},
		{"several, in order, once each", []string{"urn:api", "https://a.test", "urn:api"}, []string{"urn:api", "https://a.test"}},
	} {
		got, err := oauth.RequestedResources(test.requested, allowed, "https://default.test")
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}
	tooMany := make([]string, oauth.MaxResources+1)
	for i := range tooMany {
		tooMany[i] = "https://a.test"
	}
	for name, requested := range map[string][]string{
		"unregistered": {"https://c.test"}, "one of two": {"https://a.test", "https://c.test"},
		"trailing slash": {"https://a.test/"}, "upper case": {"https://A.test"}, "prefix": {"https://a.test.evil"}, "too many": tooMany,
	} {
		_, err := oauth.RequestedResources(requested, allowed, "https://default.test")
		var e *oauth.Error
		if !errors.As(err, &e) || e.Code != oauth.CodeInvalidTarget {
			t.Errorf("%s: %v, want invalid_target", name, err)
		}
	}
}

func TestCheckResource(t *testing.T) {
	for _, uri := range []string{"https://api.test", "https://api.test/v1?x=y", "urn:example:api", "http://localhost:8081"} {
		if err := oauth.CheckResource(uri); err != nil {
			t.Errorf("%q %v", uri, err)
		}
	}
	for _, uri := range []string{"", "api", "/api", "//api.test", "https://api.test#x", "https://api.test/#", "https://api.test/ x", "https://api.test/é"} {
		if oauth.CheckResource(uri) == nil {
			t.Errorf("%q is taken for a resource", uri)
		}
	}
}

func ExampleRequestedResources() {
	resources, _ := oauth.RequestedResources(nil, []string{"https://api.test"}, "https://api.test")
	fmt.Println(resources)
	// Output: [https://api.test]
}
