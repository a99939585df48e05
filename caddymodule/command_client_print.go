package caddymodule

import "strings"

// client prints one client.
func (c adminClient) client(a *clientAnswer) {
	kind := "confidential"
	if a.Client.Public {
		kind = "public"
	}
	if a.Client.Disabled {
		kind += ", DISABLED"
	}
	c.printf("%s\n  %s, of the %s, realm %s\n", a.Client.ID, kind, map[string]string{sourceConfig: "configuration", sourceStore: "store"}[a.Source], a.Realm)
	c.printf("  grants %s\n", strings.Join(a.Client.Grants, " "))
	if a.Version != 0 {
		c.printf("  version %d of %s\n", a.Version, moment(a.Updated))
	}
	c.secrets(a.Secrets)
	if a.Secret != "" {
		c.printf("  its secret, which is shown this once: %s\n", a.Secret)
	}
	if a.Problem != "" {
		c.printf("  PROBLEM: %s\n", a.Problem)
	}
	for _, warning := range a.Warnings {
		c.printf("  warning: it %s\n", warning)
	}
}

// secrets prints secrets, without what is secret of them unless they are new.
func (c adminClient) secrets(secrets []secretAnswer) {
	for _, s := range secrets {
		c.printf("  secret %s, made %s", s.ID, moment(s.Created))
		if !s.Expires.IsZero() {
			c.printf(", expires %s", moment(s.Expires))
		}
		if !s.LastUsed.IsZero() {
			c.printf(", last used about %s", moment(s.LastUsed))
		}
		c.printf("\n")
		if s.Secret != "" {
			c.printf("  it is, shown this once: %s\n", s.Secret)
		}
	}
}
