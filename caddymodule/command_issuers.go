package caddymodule

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func init() {
	registerCommand("oauth2-issuers", "[--refresh [--issuer <url>]]",
		"Shows the issuers whose tokens the running gateway takes",
		`
Shows each issuer with its keys, when they were read and will be read again, and
what went wrong last. With --refresh metadata and keys are read now, of all of
them or of the one that --issuer names.`,
		0, func(flags *flagSet) {
			flags.Bool("refresh", false, "Read metadata and keys now")
			flags.String("issuer", "", "Issuer identifier of the one to read")
		}, issuersCommand)
}

func issuersCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	if fl.String("issuer") != "" && !fl.Bool("refresh") {
		return exitTrouble, errors.New("--issuer says whose keys --refresh reads: give both, or neither to see all issuers")
	}
	method, path, body := http.MethodGet, "/oauth2/issuers", any(nil)
	if fl.Bool("refresh") {
		method, path, body = http.MethodPost, "/oauth2/issuers/refresh", refreshRequest{Issuer: fl.String("issuer")}
	}
	var answer issuersAnswer
	printed, err := c.call(method, path, body, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if printed {
		return caddy.ExitCodeSuccess, nil
	}
	for i := range answer.Issuers {
		c.issuer(&answer.Issuers[i])
	}
	for _, realm := range answer.Realms {
		c.printf("%s\n  %s, realm %s of this process\n", realm.Issuer, readiness(realm.Ready), realm.Name)
	}
	return caddy.ExitCodeSuccess, nil
}

// issuer prints how one stands.
func (c adminClient) issuer(s *introspect.Status) {
	c.printf("%s\n  %s", s.Issuer, readiness(s.Ready))
	if s.Name != s.Issuer {
		c.printf(", called %s in the configuration", s.Name)
	}
	c.printf("\n")
	for _, key := range s.Keys {
		c.printf("  key %q %s\n", key.KeyID, key.Algorithm)
	}
	if !s.KeysRead.IsZero() {
		c.printf("  keys read %s from %s\n", moment(s.KeysRead), s.KeysFrom)
	}
	if !s.NextRefresh.IsZero() {
		c.printf("  read again by %s\n", moment(s.NextRefresh))
	}
	if s.Breaker != "" {
		c.printf("  breaker %s\n", s.Breaker)
	}
	for _, fault := range []string{s.Error, s.IntrospectionError} {
		if fault != "" {
			c.printf("  error: %s\n", strings.ReplaceAll(fault, "\n", "\n         "))
		}
	}
}

func readiness(ready bool) string {
	if ready {
		return "ready"
	}
	return "NOT READY"
}
