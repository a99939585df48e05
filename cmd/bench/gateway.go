package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// manyTokens are more than a machine's caches hold, and fewer than ours does.
var manyTokens = 10_000

// gatewayPath is a path that the rules below know.
const gatewayPath = "/orders/7"

// gatewayRules are five rules, and two headers made of claims.
const gatewayRules = `
		public /health
		allow GET,HEAD /orders* scope read
		allow * /orders* scope write
		allow * /reports* scope any reports admin
		allow * /admin* claim realm_access.roles admin
		header X-User-Name {http.auth.token.name}
		header X-User-Roles {http.auth.token.realm_access.roles} as csv`

// measureGateway compares sites behind bearer_auth with the same site without
// it, each in a process of its own, with one upstream for all.
func measureGateway(ctx context.Context, each time.Duration) (report, error) {
	g, err := newGateways()
	if err != nil {
		return report{}, err
	}
	defer g.stop()
	if err := g.start(ctx); err != nil {
		return report{}, err
	}
	var notes []string
	for _, c := range g.contenders {
		resident, err := residentMemory(c.pid)
		if err != nil {
			return report{}, err
		}
		notes = append(notes, fmt.Sprintf("memory before any request: %s %.1f MB", c.name, float64(resident)/(1<<20)))
	}
	full, err := measureRounds(ctx, g.contenders, each, roundConnections, atFull)
	if err != nil {
		return report{}, err
	}
	rows := rowsOf(g.contenders, full)
	// The first are the floors and the gateways whose JWTs are known: the others say
	// no more at less load than they do at full.
	cached := g.contenders[:6]
	alone, err := measureRounds(ctx, cached, each/4, 1, atFull)
	if err != nil {
		return report{}, err
	}
	half, err := measureRounds(ctx, cached, each/2, roundConnections, func(*contender) float64 { return rows[0].PerSecond / 2 })
	if err != nil {
		return report{}, err
	}
	raw, err := g.rawVerification(each)
	if err != nil {
		return report{}, err
	}
	return report{
		Tables: []table{
			{fmt.Sprintf("as fast as it goes, %d connections", roundConnections), rows},
			{"one connection", rowsOf(cached, alone)},
			{fmt.Sprintf("half of what plain Caddy can do, %d connections", roundConnections), rowsOf(cached, half)},
		},
		Notes: append(notes,
			fmt.Sprintf("verifying an ES256 signature alone takes %s on this machine", tenths(raw)),
			fmt.Sprintf("%d rounds of %s; %d introspection calls for all requests with a foreign opaque token", roundCount, each, g.from.introspections.Load())),
	}, nil
}

// told is the upstream's answer when the gateway has told it who calls, and has kept
// the token for itself; "" for a request that it was told nothing of.
func told(subject string) wanted { return wanted{http.StatusOK, "told of " + subject + "."} }

// gateways are the contenders with what they need.
type gateways struct {
	from       *issuer
	upstream   string
	contenders []*contender
	stops      []func()
}

func newGateways() (*gateways, error) {
	from, err := newIssuer()
	if err != nil {
		return nil, err
	}
	upstream, err := listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject := r.Header.Get("X-Auth-Subject")
		if subject != "" && r.Header.Get("Authorization") != "" {
			http.Error(w, "the token was forwarded", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("told of " + subject + "."))
	}))
	return &gateways{from: from, upstream: upstream}, err
}

func (g *gateways) stop() {
	for _, stop := range g.stops {
		stop()
	}
}

// add starts a Caddy with a site: options go into the global option oauth2 unless
// they are "", guard is what stands after bearer_auth with an open block, and more
// are other lines of the site.
func (g *gateways) add(ctx context.Context, name, floor, options, guard string, more ...string) (*contender, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if options != "" {
		options = "\toauth2 {" + options + "\n\t}\n"
	}
	if guard != "" {
		guard = fmt.Sprintf("\tbearer_auth %s\n\t\taudience %s\n\t}\n", guard, keysAudience)
	}
	stop, pid, err := startCaddy(ctx, fmt.Sprintf("{\n\tadmin off\n\tdefault_bind 127.0.0.1\n%s}\nhttp://localhost:%d {\n%s\t%s\n\treverse_proxy %s\n}\n",
		options, port, guard, strings.Join(more, "\n\t"), g.upstream))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g.stops = append(g.stops, stop)
	c := &contender{name: name, floor: floor, pid: pid, address: fmt.Sprintf("127.0.0.1:%d", port)}
	g.contenders = append(g.contenders, c)
	return c, nil
}

// sends lets a contender be sent requests in turn, of which connections start at
// different ones.
func (c *contender) sends(want wanted, requests ...[]byte) {
	c.warm = newSupply(requests, want)
	c.calls = func(connection int) caller {
		return &cycle{requests: requests, at: connection * len(requests) / roundConnections, want: want}
	}
}

func (g *gateways) start(ctx context.Context) error {
	tokens, err := g.tokens(manyTokens)
	if err != nil {
		return err
	}
	// The floors are sent tokens as well, and forward them.
	plain, all := [][]byte{wireGet(gatewayPath, tokens[0])}, gets(tokens)
	const floor = "plain reverse_proxy"
	floorOfMany := fmt.Sprintf("plain, sent %d tokens", manyTokens)
	for _, f := range []struct {
		name, floor string
		requests    [][]byte
		more        []string
		want        wanted
	}{
		{floor, "", plain, nil, told("")},
		{"plain again (the noise)", floor, plain, nil, told("")},
		{floorOfMany, floor, all, nil, told("")},
		{"plain, token off and four headers on", floor, plain, g.sameHeaders(), told(tokenSubject)},
	} {
		c, err := g.add(ctx, f.name, f.floor, "", "", f.more...)
		if err != nil {
			return err
		}
		c.sends(f.want, f.requests...)
	}
	issuer := g.from.url + " {"
	one, err := g.add(ctx, "one token, known", floor, "", issuer)
	if err != nil {
		return err
	}
	one.sends(told(tokenSubject), plain...)
	many, err := g.add(ctx, fmt.Sprintf("%d tokens, known, five rules, mapped headers", manyTokens), floorOfMany, "", issuer+gatewayRules)
	if err != nil {
		return err
	}
	many.sends(told(tokenSubject), all...)
	if err := g.startOpaque(ctx, floor); err != nil {
		return err
	}
	fresh, err := g.add(ctx, "every token new, ES256", floor, "", issuer)
	if err != nil {
		return err
	}
	g.alwaysNew(fresh)
	return g.startRefusals(ctx, floor, issuer)
}

// sameHeaders has Caddy itself do to a request what bearer_auth does to one with the
// first token, and nobody looks at the token: what the upstream's headers cost.
func (g *gateways) sameHeaders() []string {
	return []string{
		"request_header -Authorization", "request_header X-Auth-Subject " + tokenSubject, "request_header X-Auth-Client-Id shop-frontend",
		`request_header X-Auth-Scope "openid profile read write"`, "request_header X-Auth-Issuer " + g.from.url,
	}
}

func gets(tokens []string) [][]byte {
	requests := make([][]byte, len(tokens))
	for i, token := range tokens {
		requests[i] = wireGet(gatewayPath, token)
	}
	return requests
}

// startOpaque adds opaque tokens: those of a realm in the process, and those of
// another server, which is asked.
func (g *gateways) startOpaque(ctx context.Context, floor string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	own, err := g.add(ctx, "one opaque token of our own, known", floor, fmt.Sprintf(`
		realm / {
			issuer http://localhost:%d/oauth2
			client bench {
				secret bench-secret
				grants client_credentials
				scopes read
				resource %s
				access_token {
					format opaque
					lifetime 6h
				}
			}
		}`, port, keysAudience), "{\n\t\trealm /", "oauth2_server")
	if err != nil {
		return err
	}
	token, err := g.ownToken(ctx, own)
	if err != nil {
		return err
	}
	own.sends(told("bench"), wireGet(gatewayPath, token))

	foreign, err := g.add(ctx, "one opaque token of another server, known", floor, fmt.Sprintf(`
		issuer bench %s {
			introspection {
				client gateway secret
				endpoint %s/introspect
			}
		}`, g.from.url, g.from.url), "bench {")
	if err != nil {
		return err
	}
	foreign.sends(told("bench"), wireGet(gatewayPath, "an-opaque-token-of-another-server"))
	return nil
}

// startRefusals adds tokens that are refused: none may cost more than a good new
// one.
func (g *gateways) startRefusals(ctx context.Context, floor, issuer string) error {
	refused, err := g.refusedTokens()
	if err != nil {
		return err
	}
	for _, r := range refused {
		c, err := g.add(ctx, "refused: "+r.name, floor, "", issuer)
		if err != nil {
			return err
		}
		c.sends(wanted{status: http.StatusUnauthorized}, gets(r.tokens)...)
	}
	return nil
}
