package realm_test

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// family is a grant of the user demo for web with all its tokens.
type family struct {
	grant                          store.Grant
	code, access, refresh, idToken oauth.Secret
}

func newFamily(t *testing.T, w *realmtest.World, adjust ...func(*store.Grant)) family {
	t.Helper()
	r, now := w.Realm, w.Clock.Now()
	var f family
	f.code = w.Code(t, r, "web", append([]func(*store.Grant){func(g *store.Grant) {
		g.State, g.Generation, g.RefreshKey, g.RotatedAt = store.GrantActive, 2, r.Tokens.RefreshKeyID(), now
		g.IdleExpires, g.PurgeAt = now.Add(24*time.Hour), now.Add(48*time.Hour)
	}}, adjust...)...)
	id, _, err := r.Tokens.OpenCode(f.code)
	if err != nil {
		t.Fatal(err)
	}
	if f.grant, err = w.Store.Grant(t.Context(), "/", id); err != nil {
		t.Fatal(err)
	}
	client, _ := r.Client("web")
	var errs [3]error
	f.access, _, errs[0] = r.AccessFor(client, &f.grant, f.grant.Scope, now)
	f.idToken, errs[1] = r.IDFor(t.Context(), client, &f.grant, f.access, f.code, false, now)
	f.refresh, errs[2] = r.Tokens.MintRefresh(token.Refresh{KeyID: r.Tokens.RefreshKeyID(), GrantID: id, Generation: 2})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return f
}

// states are those of access, refresh and ID token and code.
type states [4]realm.TokenState

func inspect(t *testing.T, r *realm.Realm, f family) (got states, causes [4]store.RevocationKind) {
	t.Helper()
	for i, text := range []oauth.Secret{f.access, f.refresh, f.idToken, f.code} {
		report, err := r.Inspect(t.Context(), text)
		if err != nil {
			t.Fatalf("text %d: %v", i, err)
		}
		got[i], causes[i] = report.State, report.Cause
		if report.Grant == nil != (i == 2) || report.Grant != nil && report.Grant.ID != f.grant.ID {
			t.Errorf("text %d comes of %+v", i, report.Grant)
		}
	}
	return got, causes
}

func TestInspectSaysHowTokensStandAndWhy(t *testing.T) {
	const active, expired, revoked, used = realm.TokenActive, realm.TokenExpired, realm.TokenRevoked, realm.TokenUsed
	for name, c := range map[string]struct {
		adjust func(*store.Grant)
		change func(*testing.T, *realmtest.World, family) error
		want   states
		cause  store.RevocationKind
	}{
		"fresh": {want: states{active, active, active, used}},
		"a code that waits": {adjust: func(g *store.Grant) { g.State, g.Generation = store.GrantPending, 2 },
			want: states{active, active, active, active}},
		"an hour later": {change: func(_ *testing.T, w *realmtest.World, _ family) error { w.Clock.Advance(time.Hour); return nil },
			want: states{expired, active, expired, used}},
		"two days later": {change: func(_ *testing.T, w *realmtest.World, _ family) error { w.Clock.Advance(48 * time.Hour); return nil },
			want: states{expired, expired, expired, used}},
		"a newer refresh token": {adjust: func(g *store.Grant) { g.Generation = 3 }, want: states{active, used, active, used}},
		"revoked grant": {change: func(t *testing.T, w *realmtest.World, f family) error {
			return w.Realm.Revocations.RevokeGrant(t.Context(), "/", f.grant.ID, w.Clock.Now())
		}, want: states{revoked, revoked, active, revoked}, cause: store.RevokedGrant},
		"revoked client": {change: func(t *testing.T, w *realmtest.World, _ family) error {
			_, err := w.Realm.Revocations.RevokeClient(t.Context(), "/", "web", w.Clock.Now())
			return err
		}, want: states{revoked, revoked, active, revoked}, cause: store.RevokedClient},
		"revoked session": {change: func(t *testing.T, w *realmtest.World, _ family) error {
			_, err := w.Realm.Revocations.RevokeSession(t.Context(), "/", "session-1", w.Clock.Now())
			return err
		}, want: states{revoked, revoked, active, revoked}, cause: store.RevokedSession},
	} {
		t.Run(name, func(t *testing.T) {
			w := realmtest.New(t)
			var adjust []func(*store.Grant)
			if c.adjust != nil {
				adjust = append(adjust, c.adjust)
			}
			f := newFamily(t, w, adjust...)
			if c.change != nil {
				if err := c.change(t, w, f); err != nil {
					t.Fatal(err)
				}
			}
			got, causes := inspect(t, w.Realm, f)
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			for i, cause := range causes {
				if want := map[bool]store.RevocationKind{true: c.cause}[got[i] == revoked]; cause != want {
					t.Errorf("text %d was ended by %d, want %d", i, cause, want)
				}
			}
		})
	}
}

func TestInspectOfWhatIsGone(t *testing.T) {
	w := realmtest.New(t)
	f := newFamily(t, w)
	w.Clock.Advance(72 * time.Hour)
	if _, err := w.Store.DeleteExpired(t.Context(), w.Clock.Now(), 10); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[oauth.Secret]realm.TokenState{f.access: realm.TokenExpired, f.refresh: realm.TokenOrphaned, f.idToken: realm.TokenExpired} {
		if report, err := w.Realm.Inspect(t.Context(), text); err != nil || report.State != want {
			t.Errorf("got %v, %v, want %v", report.State, err, want)
		}
	}
	// Nothing but its grant tells that a code is ours.
	if _, err := w.Realm.Inspect(t.Context(), f.code); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a code without a grant: %v", err)
	}
}

func TestAS61_InspectCannotKnowWithoutTheStore(t *testing.T) {
	w := realmtest.New(t)
	f := newFamily(t, w)
	w.Store.Fail("Grant")
	for _, text := range []oauth.Secret{f.access, f.refresh, f.code} {
		if _, err := w.Realm.Inspect(t.Context(), text); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	}
}
