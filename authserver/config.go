package authserver

import (
	"errors"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/logout"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// Config is what a Server serves.
type Config struct {
	Realms []realm.Settings
}

// Check finds what cannot work, in words that say how to mend it.
func (c Config) Check() error {
	if len(c.Realms) == 0 {
		return errors.New("no realm is configured")
	}
	names, issuers := map[string]bool{}, map[string]string{}
	for i := range c.Realms {
		settings := &c.Realms[i]
		if err := settings.Check(); err != nil {
			return err
		}
		if names[settings.Name] {
			return fmt.Errorf("realm %s is there twice", settings.Name)
		}
		names[settings.Name] = true
		// One issuer, one set of keys: RFC 8414 §3.3, RFC 9207 §2.4.
		if other, taken := issuers[settings.Issuer]; taken {
			return fmt.Errorf("realms %s and %s have the same issuer %s; every realm needs its own", other, settings.Name, settings.Issuer)
		}
		issuers[settings.Issuer] = settings.Name
	}
	return nil
}

// Warnings are what works and should not be: said once at start.
func (c Config) Warnings() []string {
	var out []string
	for i := range c.Realms {
		out = append(out, c.Realms[i].Warnings()...)
		out = append(out, logout.Warnings(&c.Realms[i])...)
	}
	return out
}
