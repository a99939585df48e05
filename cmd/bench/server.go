package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// measureServer compares the steps of the server with handlers of Caddy that do
// nothing but sign an access token, or answer a constant.
func measureServer(ctx context.Context, each time.Duration) (report, error) {
	s := new(servers)
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return report{}, err
	}
	samples, err := measureRounds(ctx, s.contenders, each, roundConnections, atFull)
	if err != nil {
		return report{}, err
	}
	s.notes = append(s.notes, fmt.Sprintf("%d rounds of %s; each code and each refresh token is used once", roundCount, each))
	return report{Tables: []table{{fmt.Sprintf("as fast as it goes, %d connections", roundConnections), rowsOf(s.contenders, samples)}}, Notes: s.notes}, nil
}

// servers are the contenders with what they need.
type servers struct {
	contenders []*contender
	notes      []string
	stops      []func()
}

func (s *servers) stop() {
	for _, stop := range s.stops {
		stop()
	}
}

const (
	signingFloor  = "a handler that signs ES256"
	constantFloor = "a handler that answers a constant"
)

// What the server has to answer.
var (
	issued = wanted{http.StatusOK, `"access_token":"ey`}
	active = wanted{http.StatusOK, `"active":true`}
)

func (s *servers) start(ctx context.Context) error {
	ports := make([]int, 3)
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return err
		}
	}
	stop, pid, err := startCaddy(ctx, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1
}
http://localhost:%d, http://localhost:%d {
	route {
		bench_sign
	}
}
http://localhost:%d {
	route {
		bench_constant
	}
}
`, ports[0], ports[1], ports[2]))
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stop)
	clientCredentials := wirePost("/oauth2/access_token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {grantClient}, "client_secret": {grantSecret}, "scope": {"read"},
	})
	for _, floor := range []struct {
		name, floor string
		port        int
		want        wanted
	}{
		{signingFloor, "", ports[0], issued},
		{signingFloor + ", again (the noise)", signingFloor, ports[1], issued},
		{constantFloor, "", ports[2], active},
	} {
		s.add(floor.name, floor.floor, pid, floor.port).sends(floor.want, clientCredentials)
	}
	for _, engine := range engines {
		if err := s.startOn(ctx, engine, clientCredentials); err != nil {
			return fmt.Errorf("%s: %w", engine.name, err)
		}
	}
	return nil
}

func (s *servers) add(name, floor string, pid, port int) *contender {
	c := &contender{name: name, floor: floor, pid: pid, address: fmt.Sprintf("127.0.0.1:%d", port)}
	s.contenders = append(s.contenders, c)
	return c
}

// startOn adds a server on a database. What never touches the database is
// measured on the first alone.
func (s *servers) startOn(ctx context.Context, engine engine, clientCredentials []byte) error {
	empty, _, remove, why, err := engine.start(ctx)
	if why != "" {
		s.notes = append(s.notes, engine.name+" was not measured: "+why)
		return nil
	}
	if err != nil {
		return err
	}
	s.stops = append(s.stops, remove)
	on, err := restartServer(ctx, empty.storage)
	if err != nil {
		return err
	}
	s.notes = append(s.notes, fmt.Sprintf("%s: the server has signed in its user %s after a restart", engine.name, on.ready.Round(time.Millisecond)))
	// Before its database is removed.
	s.stops = append([]func(){on.stop}, s.stops...)
	if engine.name == engines[0].name {
		s.add("client_credentials, ES256", signingFloor, on.pid, on.port).sends(issued, clientCredentials)
		if err := s.introspections(ctx, on); err != nil {
			return err
		}
		s.add("discovery", constantFloor, on.pid, on.port).sends(wanted{http.StatusOK, `"token_endpoint"`}, wireGet("/oauth2/.well-known/openid-configuration", ""))
		s.add("keys", constantFloor, on.pid, on.port).sends(wanted{http.StatusOK, `"keys"`}, wireGet("/oauth2/connect/jwk_uri", ""))
	}
	if err := s.add("refresh with rotation, "+engine.name, signingFloor, on.pid, on.port).refreshes(ctx, on); err != nil {
		return err
	}
	s.add("code exchange with ID token, "+engine.name, signingFloor, on.pid, on.port).exchanges(ctx, on)
	return nil
}

// introspections adds those of both kinds of access tokens.
func (s *servers) introspections(ctx context.Context, on *server) error {
	for _, kind := range []struct{ name, client string }{{"JWT", grantClient}, {"opaque", opaqueClient}} {
		token, _, err := on.token(ctx, map[string]string{"grant_type": "client_credentials", "client_id": kind.client, "scope": "read"})
		if err != nil {
			return err
		}
		s.add("introspection, "+kind.name, constantFloor, on.pid, on.port).sends(active, wirePost("/oauth2/introspect", url.Values{
			"client_id": {kind.client}, "client_secret": {grantSecret}, "token": {token},
		}))
	}
	return nil
}

// refreshes lets each connection refresh a family of its own, again and again.
func (c *contender) refreshes(ctx context.Context, on *server) error {
	families := make([]caller, roundConnections)
	for i := range families {
		code, err := on.code(ctx, "read")
		if err != nil {
			return err
		}
		_, refresh, err := on.token(ctx, map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": grantRedirect})
		if err != nil {
			return err
		}
		families[i] = &family{token: refresh}
	}
	c.calls = func(connection int) caller { return families[connection] }
	return nil
}

// codesPerRound is how many codes a round exchanges at most.
var codesPerRound = 20_000

// agreeing is how many people agree at a time.
const agreeing = 16

// exchanges lets each request exchange a code of its own. People agree before the
// round, which is not measured.
func (c *contender) exchanges(ctx context.Context, on *server) {
	var stock *supply
	c.prepare = func() error {
		requests := make([][]byte, codesPerRound)
		var group sync.WaitGroup
		errs := make([]error, agreeing)
		for n := range agreeing {
			group.Go(func() {
				for i := n; i < len(requests) && errs[n] == nil; i += agreeing {
					requests[i], errs[n] = on.exchange(ctx)
				}
			})
		}
		group.Wait()
		stock = newSupply(requests, wanted{http.StatusOK, `"id_token":"ey`})
		return errors.Join(errs...)
	}
	c.calls = func(int) caller { return stock }
}

// exchange lets the user agree, and is the request that exchanges the code.
func (s *server) exchange(ctx context.Context) ([]byte, error) {
	code, err := s.code(ctx, "openid read")
	return wirePost("/oauth2/access_token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {grantClient}, "client_secret": {grantSecret}, "code": {code}, "redirect_uri": {grantRedirect},
	}), err
}

// family is one refresh token after another.
type family struct{ token string }

func (f *family) next() ([]byte, error) {
	return wirePost("/oauth2/access_token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {grantClient}, "client_secret": {grantSecret}, "refresh_token": {f.token},
	}), nil
}

func (f *family) take(status int, body []byte) error {
	if err := issued.check(status, body); err != nil {
		return err
	}
	next, found := member(body, "refresh_token")
	if !found || next == f.token {
		return errors.New("the refresh token was not rotated")
	}
	f.token = next
	return nil
}
