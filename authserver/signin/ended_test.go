package signin_test

import (
	"context"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// What another node has ended counts before this node has heard of it: the session
// would be younger than the end of what it rests on, and live on.
func TestAS41_ASignInDoesNotOutliveWhatAnotherNodeHasEnded(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)
	p.second()
	if _, err := p.world.Store.Store.RevokeAll(t.Context(), store.Reach{Realm: "/", Subject: "demo"}, p.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	p.second()
	goesTo(t, p.get(goesTo(t, p.fill(address, page, "code", rightCode), "authorize")), "login")
	if p.cookie("session") != nil {
		t.Error("there is a session")
	}
}

// Nor does one whose password was looked at while that happened.
func TestAS41_ASignInIsAsOldAsItsPassword(t *testing.T) {
	p := meet(t)
	staff := p.world.Realm.Services["staff"].(login.Passwords)
	p.world.Realm.Services["staff"] = &slow{staff, func() {
		p.second()
		if _, err := p.world.Realm.Revocations.RevokeSubject(t.Context(), "/", "demo", p.world.Clock.Now()); err != nil {
			t.Error(err)
		}
		p.second()
	}}
	goesTo(t, p.get(goesTo(t, p.password(params()), "authorize")), "login")
}

// A session that was begun while the one of its name was being ended is dead, but
// there: the next sign-in does not go on under that name, or nobody could sign in at
// this browser any more.
func TestPG10_ASignInDuringASignOutIsNotTheLast(t *testing.T) {
	p := meet(t)
	dead := p.signedIn(p.password(params())).SessionID
	r := p.world.Realm
	session, err := r.Sessions.Known(t.Context(), secret(p.cookie("session")), p.world.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revocations.RevokeSession(t.Context(), "/", dead, p.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := p.world.Store.CreateSession(t.Context(), session, ""); err != nil {
		t.Fatal(err)
	}
	p.second()
	if grant := p.signedIn(p.password(params())); grant.SessionID == dead {
		t.Error("the session goes on under a dead name")
	}
}

// slow is a service while whose answer something happens.
type slow struct {
	login.Passwords
	meanwhile func()
}

func (s *slow) Authenticate(ctx context.Context, username string, password oauth.Secret) (login.Account, error) {
	defer s.meanwhile()
	return s.Passwords.Authenticate(ctx, username, password)
}
