package logout_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/logout"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestTheClientsOfASessionAreTold(t *testing.T) {
	s := newScene(t)
	s.grant("web", s.session.ID)
	s.grant("web", s.session.ID, "offline_access")
	s.grant("other", s.session.ID)
	s.grant("opaque", s.session.ID) // has no place to be told
	s.grant("other", "another")
	s.step(s.node)
	if len(s.web.calls())+len(s.other.calls()) != 0 {
		t.Fatal("a client was told of what did not happen")
	}
	page := s.visit(address)
	s.decide(address, page, "sign_out")
	s.step(s.node)
	seen := map[any]bool{}
	for id, c := range map[string]*client{"web": s.web, "other": s.other} {
		tokens := c.calls()
		if len(tokens) != 1 {
			t.Fatalf("%s was told %d times", id, len(tokens))
		}
		claims := s.verify(id, tokens[0])
		events, _ := json.Marshal(claims["events"])
		if claims["sub"] != "demo" || claims["sid"] != s.session.ID || claims["aud"] != id ||
			string(events) != `{"http://schemas.openid.net/event/backchannel-logout":{}}` || claims["expires"] != 2*time.Minute {
			t.Errorf("%s: %v", id, claims)
		}
		if _, there := claims["nonce"]; there {
			t.Error("a logout token with a nonce could be taken for an ID token")
		}
		if jws, err := oauth.ParseJWS(tokens[0]); err != nil || jws.MediaType() != "logout+jwt" {
			t.Errorf("%v, %v", jws, err)
		}
		r := c.told[0]
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(r.PostForm) != 1 {
			t.Errorf("%s %v %v", r.Method, r.Header, r.PostForm)
		}
		seen[claims["jti"]] = true
	}
	if len(seen) != 2 || s.waiting() != 0 {
		t.Errorf("jti %v, %d are waiting", seen, s.waiting())
	}
	s.step(s.node)
	if len(s.web.calls())+len(s.other.calls()) != 0 {
		t.Error("a client was told again")
	}
	s.world.Observer.Answers()
}

// However the session ended.
func TestTheClientsOfASubjectAreTold(t *testing.T) {
	s := newScene(t)
	second := another(s.browser)
	s.grant("web", s.session.ID)
	s.grant("web", second.session.ID)
	if _, err := s.world.Realm.Revocations.RevokeSubject(t.Context(), "/", "demo", s.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	s.step(s.node)
	var sids []string
	for _, text := range s.web.calls() {
		sids = append(sids, s.verify("web", text)["sid"].(string))
	}
	want := []string{s.session.ID, second.session.ID}
	slices.Sort(sids)
	slices.Sort(want)
	if !slices.Equal(sids, want) {
		t.Errorf("told of %v, want %v", sids, want)
	}
}

func TestClientsThatDoNotTakeIt(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		result string
		logged string
	}{
		"it is taken":         {status(http.StatusOK), "ok", ""},
		"it is taken in vain": {status(http.StatusNoContent), "ok", ""},
		"it is refused":       {status(http.StatusBadRequest), "refused", "answered 400"},
		"it is broken":        {status(http.StatusInternalServerError), "failed", "answered 500"},
		"it is not there":     {status(http.StatusNotFound), "failed", "answered 404"},
		"it points elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "failed", "answered 307"},
		"it hangs":              {func(_ http.ResponseWriter, r *http.Request) { wait(r.Context(), hang) }, "failed", "no answer in time"},
		"it breaks off":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "failed", "closed the connection"},
		"it answers for ever":   {endless, "ok", ""},
		"it answers in headers": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "failed", "HTTP as it should"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.node = s.newNode(func(g outbound.Guard) *http.Client {
				impatient := logout.Client(g)
				impatient.Timeout = 300 * time.Millisecond
				return impatient
			})
			s.web.answers(c.answer)
			s.grant("web", s.session.ID)
			s.end()
			s.step(s.node)
			if got := s.world.Observer.Answers(); !slices.Equal(got, []string{"/ logout " + c.result}) {
				t.Errorf("counted %v, want %s", got, c.result)
			}
			if log := s.logged.String(); !strings.Contains(log, c.logged) || (c.logged == "") != (log == "") || strings.Contains(log, "eyJ") {
				t.Errorf("logged %s", log)
			}
			again := 0
			if c.result == "failed" {
				again = 1
			}
			if s.waiting() != again {
				t.Errorf("%d are waiting", s.waiting())
			}
		})
	}
}

func wait(ctx context.Context, other <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-other:
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// A client that is away is tried again, less and less often, and told when it is
// back. The operator reads of the first failure and of the end.
func TestAClientThatComesBack(t *testing.T) {
	s := newScene(t)
	s.web.answers(status(http.StatusBadGateway))
	s.grant("web", s.session.ID)
	s.end()
	for range 3 * 60 {
		s.step(s.node)
		s.world.Clock.Advance(time.Second)
	}
	if n := len(s.web.calls()); n != 5 { // at 0, 2, 7, 22 and 82 seconds
		t.Errorf("%d attempts in three minutes", n)
	}
	s.web.answers(nil)
	for range 3 * 60 {
		s.step(s.node)
		s.world.Clock.Advance(time.Second)
	}
	if n := len(s.web.calls()); n != 1 || s.waiting() != 0 {
		t.Errorf("told %d times, %d are waiting", n, s.waiting())
	}
	if log := s.logged.String(); strings.Count(log, "could not be told") != 1 || strings.Count(log, "can be told of sign-outs again") != 1 {
		t.Errorf("logged %s", log)
	}
}

// Nobody is tried for ever.
func TestAClientThatStaysAway(t *testing.T) {
	s := newScene(t)
	s.web.answers(status(http.StatusInternalServerError))
	s.grant("web", s.session.ID)
	s.end()
	for range 120 {
		s.step(s.node)
		s.world.Clock.Advance(time.Minute)
	}
	results := map[string]int{}
	for _, answer := range s.world.Observer.Answers() {
		results[answer]++
	}
	if results["/ logout given_up"] != 1 || results["/ logout failed"] != 7 || s.waiting() != 0 || len(s.web.calls()) != 8 {
		t.Errorf("%v, %d are waiting", results, s.waiting())
	}
}

// One that hangs keeps nobody else waiting, and is not called more and more.
func TestASlowClientDelaysNobody(t *testing.T) {
	s := newScene(t)
	hang := make(chan struct{})
	s.web.answers(func(_ http.ResponseWriter, r *http.Request) { wait(r.Context(), hang) })
	for range 50 {
		session := another(s.browser).session
		s.grant("web", session.ID)
		s.grant("other", session.ID)
	}
	if _, err := s.world.Realm.Revocations.RevokeSubject(t.Context(), "/", "demo", s.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	told := 0
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for told < 50 {
		if err := s.node.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.world.Clock.Advance(time.Second)
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%d of 50 were told while another client hangs", told)
		}
		told += len(s.other.calls())
	}
	if n := len(s.web.calls()); n > 4 {
		t.Errorf("%d calls to the client that hangs", n)
	}
	close(hang)
	s.node.Wait()
	for range 60 {
		s.step(s.node)
		s.world.Clock.Advance(2 * time.Second)
	}
	if s.waiting() != 0 {
		t.Errorf("%d are waiting", s.waiting())
	}
}

func TestTwoNodesTellEachClientOnce(t *testing.T) {
	s := newScene(t)
	const sessions = 40
	for range sessions {
		s.grant("web", another(s.browser).session.ID)
	}
	if _, err := s.world.Realm.Revocations.RevokeSubject(t.Context(), "/", "demo", s.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	nodes := []*logout.Notifier{s.node, s.newNode(logout.Client), s.newNode(logout.Client)}
	sids := map[string]int{}
	for range 60 {
		var all sync.WaitGroup
		for _, node := range nodes {
			all.Go(func() { s.step(node) })
		}
		all.Wait()
		s.world.Clock.Advance(time.Second)
		for _, text := range s.web.calls() {
			sids[sidOf(t, text)]++
		}
	}
	for sid, times := range sids {
		if times != 1 {
			t.Errorf("session %s was told %d times", sid, times)
		}
	}
	if len(sids) != sessions {
		t.Errorf("%d sessions of %d were told", len(sids), sessions)
	}
}

// sidOf reads the sid of a token without looking at its signature.
func sidOf(t *testing.T, text string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	var claims struct {
		SessionID string `json:"sid"`
	}
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims.SessionID
}

// A node that dies with a notice in its hand, or between the end of the session and
// the first word of it, leaves the notice to the others.
func TestANodeThatDies(t *testing.T) {
	s := newScene(t)
	s.grant("web", s.session.ID)
	s.end()
	now := s.world.Clock.Now()
	if leased, err := s.world.Store.LeaseLogouts(t.Context(), now, now.Add(30*time.Second), 100); err != nil || len(leased) != 1 {
		t.Fatal(leased, err)
	}
	for range 29 {
		s.step(s.node)
		s.world.Clock.Advance(time.Second)
	}
	if n := len(s.web.calls()); n != 0 {
		t.Errorf("%d calls while another node is at it", n)
	}
	s.world.Clock.Advance(time.Second)
	s.step(s.node)
	if n := len(s.web.calls()); n != 1 {
		t.Errorf("%d calls", n)
	}
	// One that is stopped in the middle of a call does no harm either.
	s.session = s.signIn(sessionCookie(), store.SessionBrowser)
	s.grant("web", s.session.ID)
	s.end()
	stopped, stop := context.WithCancel(t.Context())
	began := make(chan struct{})
	s.web.answers(func(_ http.ResponseWriter, r *http.Request) { close(began); <-r.Context().Done() })
	if err := s.node.Step(stopped); err != nil {
		t.Fatal(err)
	}
	<-began
	stop()
	s.node.Wait()
	s.web.answers(nil)
	s.web.calls()
	s.world.Clock.Advance(31 * time.Second)
	s.step(s.newNode(logout.Client))
	if n := len(s.web.calls()); n != 1 {
		t.Errorf("%d calls of the node after it", n)
	}
}

func TestCL9_ClientsInsideAreNotCalled(t *testing.T) {
	s := newScene(t, func(settings *realm.Settings) { settings.LogoutPrivate = nil })
	s.grant("web", s.session.ID)
	s.end()
	s.step(s.node)
	if n := len(s.web.calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
	if log := s.logged.String(); !strings.Contains(log, "logout_allow_private 127.0.0.1/32") {
		t.Errorf("logged %s", log)
	}
	// The operator allows it: the next configuration calls.
	settings := s.world.Realm.Settings
	settings.LogoutPrivate = loopback
	s.node.Follow([]*realm.Realm{s.world.Open(t, settings)})
	s.world.Clock.Advance(time.Minute)
	s.step(s.node)
	if n := len(s.web.calls()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// What no node of this configuration can tell waits for one that can; what nobody
// wants to hear any more goes.
func TestRealmsAndClientsThatAreNotHere(t *testing.T) {
	s := newScene(t)
	s.grant("web", s.session.ID)
	s.end()
	elsewhere := s.world.Open(t, s.world.Settings("/customers", "https://auth.example.com/oauth2/realms/root/realms/customers"))
	for name, c := range map[string]struct {
		realms  []*realm.Realm
		waiting int
	}{"no realms": {nil, 1}, "another realm": {[]*realm.Realm{elsewhere}, 1}} {
		s.node.Follow(c.realms)
		s.step(s.node)
		if s.waiting() != c.waiting {
			t.Errorf("%s: %d are waiting", name, s.waiting())
		}
	}
	settings := s.world.Settings("/", "https://auth.example.com/oauth2") // without anybody to tell
	s.node.Follow([]*realm.Realm{s.world.Open(t, settings)})
	s.step(s.node)
	if s.waiting() != 0 || len(s.web.calls()) != 0 {
		t.Errorf("%d are waiting", s.waiting())
	}
	if answers := s.world.Observer.Answers(); len(answers) != 0 {
		t.Errorf("counted %v", answers)
	}
}
