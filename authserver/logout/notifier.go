package logout

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect Back-Channel Logout §2.5 to §2.8

const (
	// atOnce bounds the calls that run at once, atOnceEach those to one client.
	atOnce, atOnceEach = 32, 4
	// leaseFor is for how long this node keeps a notice from the others: longer
	// than a call takes.
	leaseFor = 30 * time.Second
	// restFor is for how long a client is left alone that gave no answer: each
	// notice would keep others waiting as long.
	restFor = 10 * time.Second
)

// backOff is how long after each attempt the next one comes. With the last one a
// client is given up: in all that is some 40 minutes, within store.LogoutsKept.
var backOff = []time.Duration{
	2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 3 * time.Minute, 10 * time.Minute, 25 * time.Minute,
}

// Notifier tells clients of the sessions that are over. Nodes share the work row
// by row; what one of them does not come to the end of, another does again.
type Notifier struct {
	store  store.Logouts
	now    func() time.Time
	log    *slog.Logger
	client func(outbound.Guard) *http.Client

	running sync.WaitGroup
	mu      sync.Mutex
	realms  map[string]served
	calls   int
	clients map[clientKey]*standing
}

// served is a realm of the newest configuration, and how its clients are called.
type served struct {
	realm  *realm.Realm
	client *http.Client
}

type clientKey struct{ realm, id string }

// standing is how it goes with a client.
type standing struct {
	calls   int
	failing bool
	rests   time.Time
}

// NewNotifier makes a Notifier that knows no realms yet. client makes the HTTP
// client for the addresses that a guard lets through: Client, but in
// tests.
func NewNotifier(st store.Logouts, log *slog.Logger, now func() time.Time, client func(outbound.Guard) *http.Client) *Notifier {
	return &Notifier{
		store: st, now: now, log: log, client: client,
		realms: map[string]served{}, clients: map[clientKey]*standing{},
	}
}

// Follow has the realms of a new configuration tell their clients from now on.
func (n *Notifier) Follow(realms []*realm.Realm) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := make(map[string]served, len(realms))
	for _, r := range realms {
		before, there := n.realms[r.Name]
		if there && slices.Equal(before.realm.LogoutPrivate, r.LogoutPrivate) {
			next[r.Name] = served{r, before.client}
			continue
		}
		if there {
			before.client.CloseIdleConnections()
		}
		next[r.Name] = served{r, n.client(outbound.Guard{Private: slices.Clone[[]netip.Prefix](r.LogoutPrivate), Advice: advice})}
	}
	n.realms = next
}

// Step begins to tell whoever is due, as far as there is room, and does not wait
// for an answer.
func (n *Notifier) Step(ctx context.Context) error {
	for {
		room := n.room()
		if room == 0 {
			return nil
		}
		now := n.now()
		leased, err := n.store.LeaseLogouts(ctx, now, now.Add(leaseFor), room)
		if err != nil {
			return err
		}
		for _, notice := range leased {
			if err := n.begin(ctx, notice, now); err != nil {
				return err
			}
		}
		if len(leased) < room {
			return nil
		}
	}
}

// Wait waits for the calls that run. They end with the context of their Step.
func (n *Notifier) Wait() { n.running.Wait() }

// room is how many more calls there may be: none where there are no realms.
func (n *Notifier) room() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.realms) == 0 {
		return 0
	}
	return atOnce - n.calls
}

// begin tells one client, or puts that off.
func (n *Notifier) begin(ctx context.Context, notice store.Logout, now time.Time) error {
	in, client, wait := n.admit(notice, now)
	switch {
	case wait > 0:
		notice.Attempts-- // this was none
		return n.store.PostponeLogout(ctx, notice, now.Add(wait))
	case client == nil:
		return n.store.FinishLogout(ctx, notice)
	}
	n.running.Go(func() {
		err := n.call(ctx, in, client, notice)
		if errors.Is(err, context.Canceled) {
			n.leave(notice, nil, n.now(), false)
			return // another node does it when the lease is over
		}
		n.settle(ctx, in, notice, err)
	})
	return nil
}

// admit says how to tell a client: wait is for how long not to; no client means
// that nobody wants to hear of it.
func (n *Notifier) admit(notice store.Logout, now time.Time) (in served, client *store.Client, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	in, ok := n.realms[notice.Realm]
	if !ok {
		return in, nil, leaseFor // another node may serve the realm
	}
	client, ok = in.realm.Client(notice.ClientID)
	if !ok || client.LogoutURI == "" {
		return in, nil, 0
	}
	key := clientKey{notice.Realm, notice.ClientID}
	how := n.clients[key]
	if how == nil {
		how = new(standing)
		n.clients[key] = how
	}
	switch {
	case now.Before(how.rests):
		return in, client, how.rests.Sub(now) + time.Second
	case how.calls >= atOnceEach:
		return in, client, time.Second
	}
	how.calls++
	n.calls++
	return in, client, 0
}

// leave ends a call. It gives whether the client has begun to fail, or works again.
func (n *Notifier) leave(notice store.Logout, err error, now time.Time, done bool) (turned bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls--
	key := clientKey{notice.Realm, notice.ClientID}
	how := n.clients[key]
	how.calls--
	if !done {
		return false
	}
	turned = how.failing != (err != nil)
	how.failing, how.rests = err != nil, time.Time{}
	switch {
	case unanswered(err):
		how.rests = now.Add(restFor)
	case err == nil && how.calls == 0:
		delete(n.clients, key)
	}
	return turned
}

// settle keeps what came of a call.
func (n *Notifier) settle(ctx context.Context, in served, notice store.Logout, err error) {
	now := n.now()
	var refused *refusal
	final := errors.As(err, &refused) && refused.status == http.StatusBadRequest
	result, next := "ok", time.Time{}
	switch {
	case err == nil:
	case final:
		result = "refused"
	default:
		result = "given_up"
		if notice.Attempts <= len(backOff) {
			next = now.Add(backOff[max(0, notice.Attempts-1)])
		}
		if !next.IsZero() && next.Before(notice.Expires) {
			result = "failed"
		}
	}
	n.report(ctx, in, notice, err, result, n.leave(notice, err, now, true))
	if result == "failed" {
		err = n.store.PostponeLogout(ctx, notice, next)
	} else {
		err = n.store.FinishLogout(ctx, notice)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		n.log.ErrorContext(ctx, "what came of telling a client of a sign-out could not be kept; it is told again",
			"realm", notice.Realm, "client_id", notice.ClientID, "error", err)
	}
}

// report counts an attempt, and tells the operator when a client begins to fail and
// when it works again, not of each attempt.
func (n *Notifier) report(ctx context.Context, in served, notice store.Logout, err error, result string, turned bool) {
	in.realm.Observer.LogoutTold(notice.Realm, result)
	switch {
	case !turned:
	case err == nil:
		n.log.InfoContext(ctx, "a client can be told of sign-outs again", "realm", notice.Realm, "client_id", notice.ClientID)
	default:
		n.log.WarnContext(ctx, "a client could not be told of a sign-out", "realm", notice.Realm, "client_id", notice.ClientID, "error", err)
	}
}
