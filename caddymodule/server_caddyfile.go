package caddymodule

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("oauth2", parseApp)
}

// parseApp reads the global option oauth2. It may stand once.
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	d.Next() // consume option name
	if existing != nil {
		return nil, d.Err("the global option oauth2 is there twice; write everything into one block")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "oauth2", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile reads the global option, from its name on. Syntax:
//
//	oauth2 {
//		storage                <module> [<arguments...>] [{ ... }]
//		encryption_key         <base64>
//		previous_encryption_key <base64>
//		realm                  <name> { ... }
//		issuer                 <name> <url> { ... }
//		authentication         <name> <module> [<arguments...>] [{ ... }]
//		default_authentication <name>
//		deny_list
//		token_cache            <tokens>
//		audit                  { ... }
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return readOnlyBlock(d, "oauth2", map[string]reader{
		"storage":                 a.readStorage,
		"encryption_key":          text(&a.EncryptionKey),
		"previous_encryption_key": text(&a.PreviousEncryptionKey),
		"realm":                   a.readRealm,
		"issuer":                  a.readIssuer,
		"authentication":          services(&a.AuthenticationRaw),
		"default_authentication":  text(&a.DefaultAuthentication),
		"deny_list":               flag(&a.DenyList),
		"token_cache":             count(&a.TokenCache),
		"audit":                   a.readAudit,
	}, "realm", "issuer", "authentication")
}

func (a *App) readStorage(d *caddyfile.Dispenser) (err error) {
	if !d.NextArg() {
		return d.ArgErr()
	}
	a.StorageRaw, err = guest(d, "oauth2.storage")
	return err
}

func (a *App) readRealm(d *caddyfile.Dispenser) error {
	realm := new(Realm)
	if err := realm.UnmarshalCaddyfile(d); err != nil {
		return err
	}
	if slices.ContainsFunc(a.Realms, func(other *Realm) bool { return other.Name == realm.Name }) {
		return d.Errf("realm %s is there twice", realm.Name)
	}
	a.Realms = append(a.Realms, realm)
	return nil
}

func (a *App) readIssuer(d *caddyfile.Dispenser) error {
	issuer := new(ForeignIssuer)
	if err := issuer.UnmarshalCaddyfile(d); err != nil {
		return err
	}
	if _, there := a.Issuers[issuer.name]; there {
		return d.Errf("issuer %s is there twice", issuer.name)
	}
	if a.Issuers == nil {
		a.Issuers = map[string]*ForeignIssuer{}
	}
	a.Issuers[issuer.name] = issuer
	return nil
}

// services reads authentication services: the name by which they are called,
// then their module.
func services(target *map[string]json.RawMessage) reader {
	return func(d *caddyfile.Dispenser) error {
		if !d.NextArg() {
			return d.ArgErr()
		}
		name := d.Val()
		if _, there := (*target)[name]; there {
			return d.Errf("authentication %s is there twice", name)
		}
		if !d.NextArg() {
			return d.ArgErr()
		}
		module, err := guest(d, "oauth2.authentication")
		if err != nil {
			return err
		}
		if *target == nil {
			*target = map[string]json.RawMessage{}
		}
		(*target)[name] = module
		return nil
	}
}

// guest reads the module of a namespace whose name is the current token, with
// all that belongs to it.
func guest(d *caddyfile.Dispenser, namespace string) (json.RawMessage, error) {
	name := d.Val()
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		modules := caddy.GetModules(namespace)
		names := make([]string, len(modules))
		for i, module := range modules {
			names[i] = module.ID.Name()
		}
		return nil, d.Errf("there is no module %s.%s; there are %s", namespace, name, strings.Join(names, ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, "module", name, nil), nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*App)(nil)
