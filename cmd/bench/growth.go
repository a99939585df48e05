package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// How much of each there is, compared with one or few.
var (
	growthIssuers = 50
	growthRules   = 500
	growthClients = 10_000
	growthTokens  = 1_000_000
	// growthProbe tokens each are measured at the start, half-way and at the end.
	growthProbe = 1_000
)

// tokensABatch are signed, and then sent once each.
const tokensABatch = 20_000

// measureGrowth compares what has much of something with what has little. Grants
// have an experiment of their own.
func measureGrowth(ctx context.Context, each time.Duration) (report, error) {
	g, err := newGateways()
	if err != nil {
		return report{}, err
	}
	defer g.stop()
	if err := g.startGrowth(ctx); err != nil {
		return report{}, err
	}
	s := new(servers)
	defer s.stop()
	if err := s.startClients(ctx); err != nil {
		return report{}, err
	}
	compared := slices.Concat(g.contenders, s.contenders)
	samples, err := measureRounds(ctx, compared, each, roundConnections, atFull)
	if err != nil {
		return report{}, err
	}
	notes, err := g.manyLiveTokens(ctx, each)
	if err != nil {
		return report{}, err
	}
	return report{Tables: []table{{fmt.Sprintf("as fast as it goes, %d connections", roundConnections), rowsOf(compared, samples)}}, Notes: notes}, nil
}

// startGrowth adds gateways with few and many issuers and rules. What is asked for
// is the last of them.
func (g *gateways) startGrowth(ctx context.Context) error {
	const one, few = "one issuer", "5 rules"
	tokens, err := g.tokens(1)
	if err != nil {
		return err
	}
	known := wireGet(gatewayPath, tokens[0])
	issuers := func(count int) (options, names string) {
		for n := range count - 1 {
			options += fmt.Sprintf("\n\t\tissuer other%d http://127.0.0.1:9/%d", n, n)
			names += fmt.Sprintf("other%d ", n)
		}
		return options + "\n\t\tissuer bench " + g.from.url, names + "bench {"
	}
	rules := func(count int) string {
		var lines strings.Builder
		for n := range count - 1 {
			fmt.Fprintf(&lines, "\n\t\tallow GET,HEAD /path%d* scope read", n)
		}
		return lines.String() + "\n\t\tallow GET,HEAD /orders* scope read"
	}
	for _, c := range []struct {
		name, floor    string
		issuers, rules int
	}{
		{one, "", 1, 0},
		{one + ", again (the noise)", one, 1, 0},
		{fmt.Sprintf("%d issuers", growthIssuers), one, growthIssuers, 0},
		{few, "", 1, 5},
		{fmt.Sprintf("%d rules", growthRules), few, 1, growthRules},
	} {
		options, guard := issuers(c.issuers)
		if c.rules > 0 {
			guard += rules(c.rules)
		}
		added, err := g.add(ctx, c.name, c.floor, options, guard)
		if err != nil {
			return err
		}
		added.sends(told(tokenSubject), known)
	}
	return nil
}

// startClients adds servers with few and many clients in their stores.
func (s *servers) startClients(ctx context.Context) error {
	const few = "client_credentials, 10 clients"
	dir, err := os.MkdirTemp("", "caddy-oauth2-bench-")
	if err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = os.RemoveAll(dir) })
	for _, c := range []struct {
		name, floor string
		count       int
	}{{few, "", 10}, {fmt.Sprintf("client_credentials, %d clients", growthClients), few, growthClients}} {
		path := filepath.Join(dir, fmt.Sprintf("%d.db", c.count))
		secret, err := fillClients(ctx, path, c.count)
		if err != nil {
			return err
		}
		on, err := startServer(ctx, "sqlite "+path)
		if err != nil {
			return err
		}
		s.stops = append([]func(){on.stop}, s.stops...)
		requests := make([][]byte, c.count)
		for n := range requests {
			requests[n] = wirePost("/oauth2/access_token", url.Values{
				"grant_type": {"client_credentials"}, "client_id": {fmt.Sprint("client", n)}, "client_secret": {secret}, "scope": {"read"},
			})
		}
		s.add(c.name, c.floor, on.pid, on.port).sends(issued, requests...)
	}
	return nil
}

// fillClients makes clients with one secret for all.
func fillClients(ctx context.Context, path string, count int) (secret string, err error) {
	s, err := sqlstore.OpenSQLite(ctx, path)
	if err != nil {
		return "", err
	}
	text, digest := hashing.Generate()
	for n := range count {
		_, err := s.CreateClient(ctx, store.StoredClient{
			Realm: "/", ID: fmt.Sprint("client", n), Registration: fmt.Sprintf(`{"id":"client%d","grants":["client_credentials"],"scopes":["read"]}`, n),
			Secrets: []store.StoredSecret{{ID: "bench", Digest: digest, Created: now()}}, Created: now(), Updated: now(),
		})
		if err != nil {
			return "", errors.Join(err, s.Close())
		}
	}
	return text.Reveal(), s.Close()
}

// manyLiveTokens sends far more tokens through a gateway than its cache holds, and
// says what the first and the last of them take: once new, and then known.
func (g *gateways) manyLiveTokens(ctx context.Context, each time.Duration) (notes []string, err error) {
	c := g.contenders[0]
	sent := 0
	load := func(each time.Duration) (phase, error) {
		latencies, _, err := c.load(ctx, each, roundConnections, 0)
		if err != nil {
			return phase{}, err
		}
		slices.Sort(latencies)
		return summed(c.name, latencies), nil
	}
	once := func(count int) (requests [][]byte, took phase, err error) {
		tokens, err := g.tokens(count)
		if err != nil {
			return nil, took, err
		}
		requests = gets(tokens)
		stock := newSupply(requests, told(tokenSubject))
		c.calls = func(int) caller { return stock }
		took, err = load(time.Hour)
		sent += count
		return requests, took, err
	}
	for _, live := range []int{growthProbe, growthTokens / 2, growthTokens} {
		for sent < live-growthProbe {
			if _, _, err := once(min(tokensABatch, live-growthProbe-sent)); err != nil {
				return nil, err
			}
		}
		requests, fresh, err := once(growthProbe)
		if err != nil {
			return nil, err
		}
		c.sends(told(tokenSubject), requests...)
		// A full cache takes a token that has come more often than others.
		if _, err := load(each / warmUp); err != nil {
			return nil, err
		}
		known, err := load(each)
		if err != nil {
			return nil, err
		}
		resident, err := residentMemory(c.pid)
		if err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("%d live tokens: the last %d take %s when new (p50), and %s (p99 %s) when known; memory %d MB",
			sent, growthProbe, tenths(fresh.P50), tenths(known.P50), tenths(known.P99), resident>>20))
	}
	return notes, nil
}
