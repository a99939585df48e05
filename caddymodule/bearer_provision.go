package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// Provision checks the configuration and acquires what outlives it. It does no
// network I/O.
func (b *BearerAuth) Provision(ctx caddy.Context) error {
	b.log = ctx.Slogger()
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	if err := b.provisionRules(); err != nil {
		return err
	}
	if err := b.provisionMatchers(ctx); err != nil {
		return err
	}
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	if err := b.provisionIntrospector(app); err != nil {
		return err
	}
	if err := b.provisionUpstream(app); err != nil {
		return fmt.Errorf("bearer_auth: %w", err)
	}
	if err := b.provisionMetadata(); err != nil {
		return fmt.Errorf("bearer_auth: %w", err)
	}
	b.grace = b.streamGrace()
	app.bearers.add(b)
	return nil
}

// provisionRules makes the rules ready, and names what is weak in the settings
// before matchers are loaded.
func (b *BearerAuth) provisionRules() error {
	rules, warnings, err := introspect.NewRules(b.lines())
	if err != nil {
		return err
	}
	for _, warning := range append(warnings, b.warnings()...) {
		b.log.Warn(warning, "audience", b.Audience)
	}
	b.rules = rules
	return nil
}

func (b *BearerAuth) provisionMatchers(ctx caddy.Context) error {
	if b.MatcherSetsRaw == nil {
		return nil
	}
	matchers, err := ctx.LoadModule(b, "MatcherSetsRaw")
	if err != nil {
		return fmt.Errorf("loading the matchers of bearer_auth: %w", err)
	}
	return b.matchers.FromInterface(matchers)
}

// provisionIntrospector makes what judges tokens.
func (b *BearerAuth) provisionIntrospector(app *App) error {
	cache, release, err := app.acquireCache()
	if err != nil {
		return err
	}
	b.releases = append(b.releases, release)
	if b.Audience, err = replaced(b.Audience); err != nil {
		return fmt.Errorf("audience of bearer_auth: %w", err)
	}
	b.challenges.realm = b.Audience[0]
	config := introspect.Config{
		Audiences: b.Audience, OwnPrefixes: token.Prefixes(), Cache: cache, DenyList: app.denyList(), DenyListLater: !app.DenyList,
		Leeway: b.leeway(), Now: b.clock(app),
	}
	if config.Issuers, err = b.trusted(app); err != nil {
		return err
	}
	if err := b.provisionProof(app, &config); err != nil {
		return fmt.Errorf("bearer_auth: %w", err)
	}
	if b.introspector, err = introspect.New(config); err != nil {
		return fmt.Errorf("bearer_auth: %w", err)
	}
	b.allowed = countFromZero(config.Issuers)
	return nil
}

// clock is that of the nodes for tokens of realms, which are dated by it: a node
// whose own clock is apart would refuse what it has issued itself. Tokens of
// others alone are none of the store's business.
func (b *BearerAuth) clock(app *App) func() time.Time {
	if len(b.Realms) == 0 {
		return time.Now
	}
	return app.now
}

// trusted are the issuers whose tokens are taken: realms of the app, and foreign
// ones, which it acquires.
func (b *BearerAuth) trusted(app *App) ([]introspect.Issuer, error) {
	var trusted []introspect.Issuer
	for _, name := range b.Realms {
		issuer, err := app.realmIssuer(name)
		if err != nil {
			return nil, fmt.Errorf("realm %s of bearer_auth: %w", name, err)
		}
		app.warnUnobtainable(name, b.Audience)
		trusted = append(trusted, issuer)
	}
	names, err := replaced(b.Issuers)
	if err != nil {
		return nil, fmt.Errorf("issuer of bearer_auth: %w", err)
	}
	for _, name := range names {
		issuers, release, err := app.foreignIssuer(name)
		if err != nil {
			return nil, fmt.Errorf("issuer %s of bearer_auth: %w", name, err)
		}
		b.releases = append(b.releases, release)
		trusted = append(trusted, issuers...)
	}
	return trusted, nil
}

// replaced fills the placeholders of texts in, all of which must have a value.
func replaced(written []string) ([]string, error) {
	repl := caddy.NewReplacer()
	texts := make([]string, len(written))
	for i, text := range written {
		value, err := repl.ReplaceOrErr(text, true, true)
		if err != nil {
			return nil, err
		}
		texts[i] = value
	}
	return texts, nil
}

// Cleanup gives back what Provision acquired, and only that: Caddy also calls
// it after a Provision that failed half way. Requests that are still running on
// this instance may go on using it.
func (b *BearerAuth) Cleanup() error {
	for _, release := range b.releases {
		release()
	}
	b.releases = nil
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner  = (*BearerAuth)(nil)
	_ caddy.CleanerUpper = (*BearerAuth)(nil)
)
