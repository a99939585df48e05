package grants_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const day = 24 * time.Hour

// family begins one with a code and gives its first answer.
func (w world) family(t testing.TB, clientID string) realmtest.Answer {
	t.Helper()
	return w.exchange(t, clientID, w.Code(t, w.Realm, clientID)).Want(http.StatusOK, "")
}

func TestRefresh(t *testing.T) {
	w := newWorld(t)
	first := w.family(t, "web")
	w.Clock.Advance(time.Hour)
	second := w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusOK, "")
	if second.Text("refresh_token") == first.Text("refresh_token") || second.Text("scope") != "openid email read" {
		t.Errorf("answered %s", second.Body)
	}
	before, after := payload(t, first.Text("access_token")), w.access(t, second)
	if after.GrantID != before["gid"] || after.ID == before["jti"] || after.SessionID != "session-1" ||
		!after.Expires.Equal(w.Clock.Now().Add(10*time.Minute)) {
		t.Errorf("access token says %+v", after)
	}
	w.wantEvents(t)
}

// OpenID Connect Core §12.2: same iss, sub, aud and auth_time, a new iat, and
// no nonce, which spoke of the authorization request.
func TestRefreshedIDToken(t *testing.T) {
	w := newWorld(t)
	answer := w.family(t, "web")
	first := payload(t, answer.Text("id_token"))
	w.Clock.Advance(time.Hour)
	answer = w.refresh(t, "web", answer.Text("refresh_token")).Want(http.StatusOK, "")
	second := payload(t, answer.Text("id_token"))
	for _, name := range []string{"iss", "sub", "aud", "azp", "auth_time", "acr", "sid"} {
		if first[name] == nil || first[name] != second[name] {
			t.Errorf("%s was %v and is %v", name, first[name], second[name])
		}
	}
	if second["nonce"] != nil || second["iat"] == first["iat"] || second["at_hash"] == first["at_hash"] {
		t.Errorf("it says %v", second)
	}
	answer = w.refresh(t, "web", answer.Text("refresh_token"), "scope", "read").Want(http.StatusOK, "")
	if answer.Text("id_token") != "" {
		t.Errorf("without openid: %s", answer.Body)
	}
}

func TestAS33_A24_RefreshNarrowsOnly(t *testing.T) {
	w := newWorld(t)
	refresh := w.family(t, "web").Text("refresh_token")
	for _, test := range []struct{ name, value, code string }{
		{"scope", "openid read write", "invalid_scope"},
		{"scope", "offline_access", "invalid_scope"},
		{"scope", "read  email", "invalid_scope"},
		{"resource", "https://evil.example.com", "invalid_target"},
	} {
		w.refresh(t, "web", refresh, test.name, test.value).Want(http.StatusBadRequest, test.code)
	}
	narrow := w.refresh(t, "web", refresh, "scope", "read", "resource", realmtest.Files).Want(http.StatusOK, "")
	if access := w.access(t, narrow); access.Scope.String() != "read" || !slices.Equal(access.Audience, []string{realmtest.Files}) {
		t.Errorf("access token says %+v", access)
	}
	// The family keeps what was granted.
	full := w.refresh(t, "web", narrow.Text("refresh_token")).Want(http.StatusOK, "")
	if access := w.access(t, full); access.Scope.String() != "openid email read" || len(access.Audience) != 2 {
		t.Errorf("access token says %+v", access)
	}
}

func TestAS33_ScopeThatTheClientHasLost(t *testing.T) {
	w := newWorld(t)
	refresh := w.family(t, "web").Text("refresh_token")
	with := func(scopes ...string) http.Handler {
		settings := w.Realm.Settings
		settings.Clients = slices.Clone(settings.Clients)
		client("web", func(c *store.Client) { c.Scopes, c.DefaultScopes = scopes, nil })(&settings)
		return grants.New(w.Open(t, settings))
	}
	form := realmtest.Values("grant_type", "refresh_token", "refresh_token", refresh)
	realmtest.Do(t, with("write"), realmtest.Form("web", form)).Want(http.StatusBadRequest, "invalid_scope")
	answer := realmtest.Do(t, with("read", "write"), realmtest.Form("web", form)).Want(http.StatusOK, "")
	if answer.Text("scope") != "read" {
		t.Errorf("answered %s", answer.Body)
	}
}

func TestAS34_ForgedRefreshTokenFailsBeforeAnyRead(t *testing.T) {
	w := newWorld(t)
	good := w.family(t, "web").Text("refresh_token")
	other := map[bool]string{true: "B", false: "A"}[good[len(good)-2] == 'A']
	parts := strings.Split(good, "_")
	parts[3] = "00000002"
	w.Store.Taken()
	for name, forged := range map[string]string{
		"nothing":            "x",
		"only the prefix":    "ort_",
		"the MAC changed":    good[:len(good)-2] + other + good[len(good)-1:],
		"cut short":          good[:len(good)-1],
		"longer":             good + "A",
		"another generation": strings.Join(parts, "_"),
		"upper case":         strings.ToUpper(good),
		"a code":             w.Code(t, w.Realm, "web").Reveal(),
		"much too long":      strings.Repeat("a", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			w.refresh(t, "web", forged).Want(http.StatusBadRequest, "invalid_grant")
			if taken := w.Store.Taken(); len(taken) != 0 {
				t.Errorf("the store was asked to %q", taken)
			}
		})
	}
	answer := w.post(t, "web", "grant_type", "refresh_token").Want(http.StatusBadRequest, "invalid_request")
	if got := answer.Text("error_description"); got != "Missing parameter, 'refresh_token'" {
		t.Errorf("%q", got)
	}
	w.refresh(t, "web", good).Want(http.StatusOK, "")
}

// Another client cannot use a refresh token, and cannot end the family with one.
func TestAS34_RefreshTokenIsBoundToItsClient(t *testing.T) {
	w := newWorld(t)
	first := w.family(t, "web").Text("refresh_token")
	second := w.refresh(t, "web", first).Text("refresh_token")
	w.Clock.Advance(time.Hour)
	for _, refresh := range []string{second, first} {
		for _, thief := range []string{"other", "spa"} {
			w.refresh(t, thief, refresh).Want(http.StatusBadRequest, "invalid_grant")
			// Nothing is said about what was granted.
			w.refresh(t, thief, refresh, "scope", "write").Want(http.StatusBadRequest, "invalid_grant")
		}
	}
	w.wantEvents(t)
	w.refresh(t, "web", second).Want(http.StatusOK, "")
}

func TestAS35_RefreshTokenExpires(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		w := newWorld(t)
		refresh := w.family(t, "web").Text("refresh_token")
		for range 3 {
			w.Clock.Advance(7*day - time.Second)
			refresh = w.refresh(t, "web", refresh).Want(http.StatusOK, "").Text("refresh_token")
		}
		w.Clock.Advance(7 * day)
		w.refresh(t, "web", refresh).Want(http.StatusBadRequest, "invalid_grant")
	})
	t.Run("absolute", func(t *testing.T) {
		w := newWorld(t)
		refresh := w.family(t, "web").Text("refresh_token")
		for range 29 {
			w.Clock.Advance(day)
			if _, err := w.Store.DeleteExpired(t.Context(), w.Clock.Now(), 100); err != nil {
				t.Fatal(err)
			}
			refresh = w.refresh(t, "web", refresh).Want(http.StatusOK, "").Text("refresh_token")
		}
		w.Clock.Advance(day)
		w.refresh(t, "web", refresh).Want(http.StatusBadRequest, "invalid_grant")
		w.wantEvents(t)
	})
}

func TestAS36_A22_OneSuccessorUnderParallelRefresh(t *testing.T) {
	w := newWorld(t)
	refresh := w.family(t, "web").Text("refresh_token")
	successors := map[string]int{}
	for answer := range parallel(64, func() realmtest.Answer { return w.refresh(t, "web", refresh) }) {
		successors[answer.Want(http.StatusOK, "").Text("refresh_token")]++
	}
	if len(successors) != 1 || successors[refresh] != 0 {
		t.Errorf("%d successors: %v", len(successors), successors)
	}
	for successor := range successors {
		w.refresh(t, "web", successor).Want(http.StatusOK, "")
	}
	if slices.Contains(w.Observer.Events(), audit.RefreshReuse) {
		t.Error("an honest race was reported as reuse")
	}
}

func TestAS37_ReuseAfterGraceRevokesTheFamily(t *testing.T) {
	w := newWorld(t)
	first := w.family(t, "web")
	second := w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusOK, "")
	w.Clock.Advance(11 * time.Second)
	w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusBadRequest, "invalid_grant")
	if w.alive(first) || w.alive(second) {
		t.Error("an access token of the family is still good")
	}
	w.refresh(t, "web", second.Text("refresh_token")).Want(http.StatusBadRequest, "invalid_grant")
	w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusBadRequest, "invalid_grant")
	w.wantEvents(t, audit.RefreshReuse)
	if event := w.Observer.Last(); event.ClientID != "web" || event.Subject != "demo" || event.GrantID == "" {
		t.Errorf("reported %+v", event)
	}
}

func TestAS37_ParallelReuseIsReportedOnce(t *testing.T) {
	w := newWorld(t)
	first := w.family(t, "web").Text("refresh_token")
	w.refresh(t, "web", first).Want(http.StatusOK, "")
	w.Clock.Advance(time.Minute)
	statuses := parallel(16, func() int { return w.refresh(t, "web", first).Code })
	if statuses[http.StatusBadRequest] != 16 {
		t.Errorf("answers by status: %v", statuses)
	}
	w.wantEvents(t, audit.RefreshReuse)
}

func TestAS38_AS39_RetryInGraceGetsTheSameSuccessor(t *testing.T) {
	w := newWorld(t)
	first := w.family(t, "web").Text("refresh_token")
	lost := w.refresh(t, "web", first).Want(http.StatusOK, "")
	w.Clock.Advance(9 * time.Second)
	retry := w.refresh(t, "web", first).Want(http.StatusOK, "")
	if retry.Text("refresh_token") != lost.Text("refresh_token") {
		t.Error("the retry got another successor")
	}
	if retry.Text("access_token") == lost.Text("access_token") || !w.alive(retry) {
		t.Error("the retry got no fresh access token")
	}
	w.wantEvents(t, audit.RefreshGrace)
	w.refresh(t, "web", retry.Text("refresh_token")).Want(http.StatusOK, "")
}

func TestAS40_GraceIsNotExtendedByReplaying(t *testing.T) {
	w := newWorld(t)
	first := w.family(t, "web").Text("refresh_token")
	w.refresh(t, "web", first).Want(http.StatusOK, "")
	for range 3 {
		w.Clock.Advance(3 * time.Second)
		w.refresh(t, "web", first).Want(http.StatusOK, "")
	}
	w.Clock.Advance(time.Second)
	w.refresh(t, "web", first).Want(http.StatusBadRequest, "invalid_grant")
	w.wantEvents(t, audit.RefreshGrace, audit.RefreshGrace, audit.RefreshGrace, audit.RefreshReuse)
}

func TestAS41_RevokedFamilyGivesNothing(t *testing.T) {
	w := newWorld(t)
	answer := w.family(t, "web")
	grantID := w.access(t, answer).GrantID
	if err := w.Realm.Revocations.RevokeGrant(t.Context(), "/", grantID, w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.refresh(t, "web", answer.Text("refresh_token")).Want(http.StatusBadRequest, "invalid_grant")
	w.wantEvents(t)
}

func TestAS42_RefreshOfAnAccountThatIsGone(t *testing.T) {
	w := newWorld(t)
	refresh := w.family(t, "web").Text("refresh_token")
	w.Staff.Fail(realmtest.ErrFault)
	w.refresh(t, "web", refresh).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	w.Staff.Fail(nil)
	refresh = w.refresh(t, "web", refresh).Want(http.StatusOK, "").Text("refresh_token")
	w.Staff.Remove("demo")
	w.refresh(t, "web", refresh, "scope", "read").Want(http.StatusBadRequest, "invalid_grant")
	w.refresh(t, "web", refresh).Want(http.StatusBadRequest, "invalid_grant")
}

// Without rotation the refresh token stays good and is not sent again.
func TestRefreshWithoutRotation(t *testing.T) {
	w := newWorld(t)
	refresh := w.family(t, "static").Text("refresh_token")
	for range 3 {
		w.Clock.Advance(6 * day)
		answer := w.refresh(t, "static", refresh).Want(http.StatusOK, "")
		if _, there := answer.Document()["refresh_token"]; there {
			t.Errorf("answered %s", answer.Body)
		}
		if answer.Text("id_token") == "" || !w.alive(answer) {
			t.Errorf("answered %s", answer.Body)
		}
	}
	w.Clock.Advance(8 * day)
	w.refresh(t, "static", refresh).Want(http.StatusBadRequest, "invalid_grant")
	w.wantEvents(t)
}

func TestRefreshOfAPublicClient(t *testing.T) {
	w := newWorld(t)
	answer := w.family(t, "spa")
	w.refresh(t, "spa", answer.Text("refresh_token")).Want(http.StatusOK, "")
}

func TestRefreshOpaque(t *testing.T) {
	w := newWorld(t)
	answer := w.family(t, "opaque")
	answer = w.refresh(t, "opaque", answer.Text("refresh_token")).Want(http.StatusOK, "")
	if _, err := oauth.ParseJWS(answer.Text("access_token")); err == nil || w.access(t, answer).Subject != "demo" {
		t.Errorf("answered %s", answer.Body)
	}
}
