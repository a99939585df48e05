package registration_test

import (
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

func TestCL8_WhereClientsHearOfSignOuts(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*registration.Client)
		want string
	}{
		"an https page":               {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"https://app.test/bye?a=b"} }, ""},
		"an app":                      {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"com.example.app:/bye"} }, ""},
		"a plain page on the network": {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"http://app.test/bye"} }, "use https"},
		"a wildcard":                  {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"https://app.test/*"} }, "wildcard"},
		"a fragment":                  {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"https://app.test/#bye"} }, "fragment"},
		"a script":                    {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"javascript:alert(1)"} }, "scheme"},
		"a path":                      {func(c *registration.Client) { c.PostLogoutRedirectURIs = []string{"/bye"} }, "absolute"},
		"back channel": {func(c *registration.Client) {
			c.BackchannelLogoutURI, c.BackchannelLogoutSessionRequired = "https://app.test/logout?x=y", true
		}, ""},
		"back channel on loopback":     {func(c *registration.Client) { c.BackchannelLogoutURI = "http://127.0.0.1:8080/logout" }, ""},
		"back channel in the clear":    {func(c *registration.Client) { c.BackchannelLogoutURI = "http://app.test/logout" }, "use https"},
		"back channel with a fragment": {func(c *registration.Client) { c.BackchannelLogoutURI = "https://app.test/logout#x" }, "fragment"},
		"back channel to an app":       {func(c *registration.Client) { c.BackchannelLogoutURI = "com.example.app:/bye" }, "called by this server"},
		"back channel with a password": {func(c *registration.Client) { c.BackchannelLogoutURI = "https://a:b@app.test/" }, "user name"},
		"nowhere to tell":              {func(c *registration.Client) { c.BackchannelLogoutSessionRequired = true }, "not where to tell it"},
	} {
		client := orders()
		c.set(&client)
		got, err := resolve(t, client, everything)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want something with %q", name, err, c.want)
		}
		if err == nil && (got.LogoutURI != client.BackchannelLogoutURI || len(got.PostLogoutRedirectURIs) != len(client.PostLogoutRedirectURIs)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
