package caddymodule

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

func init() {
	caddy.RegisterModule(new(ChainAuthentication))
}

// ChainAuthentication asks other services of its realm in order, as chains of
// ForgeRock AM do. Whoever signs in has the account, and so the `sub`, of the
// service that decided. A service that cannot answer has not said no: unless
// another one decides, the answer is 503.
type ChainAuthentication struct {
	// Members are the services in order. All of them take a username and a
	// password. Required.
	Members []ChainMember `json:"members,omitempty"`
}

// ChainMember is one service of a chain.
type ChainMember struct {
	// Criterion is what the service's answer means: `sufficient` ends the chain
	// with its yes and is passed over otherwise; `required` must say yes, and the
	// rest is asked either way; `requisite` must say yes, and ends the chain with
	// its no; `optional` counts when no other service decides. Required.
	Criterion string `json:"criterion"`

	// Service is the name of an authentication service of the realm. Required.
	Service string `json:"service"`
}

// CaddyModule returns the Caddy module information.
func (*ChainAuthentication) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.authentication.chain", New: func() caddy.Module { return new(ChainAuthentication) }}
}

// Open implements AuthenticationService.
func (c *ChainAuthentication) Open(name string, _ *hashing.Hasher, _ *slog.Logger) (login.Service, error) {
	links := make([]login.Link, len(c.Members))
	for i, member := range c.Members {
		links[i] = login.Link{Criterion: login.Criterion(member.Criterion), Service: member.Service}
	}
	return login.NewChain(name, links)
}

// UnmarshalCaddyfile reads the module's block. Syntax:
//
//	chain {
//		sufficient <service>
//		required   <service>
//		requisite  <service>
//		optional   <service>
//	}
//
// The lines may be repeated; their order is that of the chain.
func (c *ChainAuthentication) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	known, words := map[string]reader{}, make([]string, len(login.Criteria))
	for i, criterion := range login.Criteria {
		words[i] = string(criterion)
		known[words[i]] = func(d *caddyfile.Dispenser) error {
			member := ChainMember{Criterion: d.Val()}
			if err := text(&member.Service)(d); err != nil {
				return err
			}
			c.Members = append(c.Members, member)
			return nil
		}
	}
	return readOnlyBlock(d, "chain", known, words...)
}

// Interface guards
var (
	_ caddy.Module          = (*ChainAuthentication)(nil)
	_ caddyfile.Unmarshaler = (*ChainAuthentication)(nil)
	_ AuthenticationService = (*ChainAuthentication)(nil)
)
