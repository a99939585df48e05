package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// resting answers with a status and a Retry-After.
func resting(status int, after string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		response, err := respond(status, "application/json", `{}`)(r)
		response.Header.Set("Retry-After", after)
		return response, err
	}
}

// An endpoint that asks for a rest gets one, for a minute at most; the caller is
// told how long it takes.
func TestG92_RetryAfterIsRespectedWithinABound(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  func(now time.Time) string
		rest   time.Duration
	}{
		"429, seconds":     {429, func(time.Time) string { return "20" }, 20 * time.Second},
		"503, seconds":     {503, func(time.Time) string { return "5" }, 5 * time.Second},
		"503, a date":      {503, func(now time.Time) string { return now.Add(30 * time.Second).UTC().Format(http.TimeFormat) }, 30 * time.Second},
		"429, a year":      {429, func(time.Time) string { return "31536000" }, time.Minute},
		"429, a far date":  {429, func(time.Time) string { return "Fri, 31 Dec 9999 23:59:59 GMT" }, time.Minute},
		"429, overflowing": {429, func(time.Time) string { return "99999999999999999999" }, 0},
		"429, negative":    {429, func(time.Time) string { return "-5" }, 0},
		"429, zero":        {429, func(time.Time) string { return "0" }, 0},
		"429, past date":   {429, func(time.Time) string { return "Fri, 31 Dec 1999 23:59:59 GMT" }, 0},
		"429, nonsense":    {429, func(time.Time) string { return "soon" }, 0},
		"500, seconds":     {500, func(time.Time) string { return "20" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
				server.tokens["good"] = active(nil)
				server.fault(askPath, resting(c.status, c.after(time.Now())))
				_, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret("first")})
				var fault *introspect.Unavailable
				if !errors.As(err, &fault) || c.rest > 0 && fault.RetryAfter != c.rest {
					t.Fatalf("the caller is told %v, want to wait %s", err, c.rest)
				}
				server.fault(askPath, nil)
				if c.rest > 0 {
					pass(c.rest - time.Second)
					expect(t, at, "good", "unavailable")
					if calls := server.count(askPath); calls != 1 {
						t.Errorf("%d calls in the rest", calls)
					}
					pass(time.Second)
				}
				expect(t, at, "good", "ok")
			})
		})
	}
}

// What strangers send can make an endpoint fail, or count too many calls. Whoever
// was let in lately is still asked for.
func TestF15_StrangersDoNotOpenTheBreakerForThoseWhoWereIn(t *testing.T) {
	for name, fault := range map[string]func(*http.Request) (*http.Response, error){
		"it fails":            respond(http.StatusInternalServerError, "text/plain", "oops"),
		"a firewall forbids":  respond(http.StatusForbidden, "text/html", "no"),
		"it asks for a rest":  resting(http.StatusTooManyRequests, "3600"),
		"it hangs on strange": hang,
	} {
		t.Run(name, func(t *testing.T) {
			withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
				server.tokens["known"] = active(map[string]any{"exp": time.Now().Unix() + 3600})
				expect(t, at, "known", "ok")
				for n := range 300 { // five minutes at least
					server.fault(askPath, fault)
					expect(t, at, fmt.Sprint("../strange", n), "unavailable")
					server.fault(askPath, nil)
					expect(t, at, "known", "ok")
					pass(time.Second)
				}
			})
		})
	}
}

// Nor does a changed setting make strangers of them.
func TestF15_WhoWasInIsKnownAfterASettingHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		server.tokens["known"] = active(nil)
		before := start(t, server, withClient)
		synctest.Wait()
		expect(t, route(t, before, nil), "known", "ok")
		at := route(t, start(t, server, func(f *introspect.Foreign) {
			withClient(f)
			f.Previous, f.Timeout = before, 2*time.Second
		}), nil)
		synctest.Wait()
		server.fault(askPath, resting(http.StatusTooManyRequests, "3600"))
		expect(t, at, "stranger", "unavailable")
		server.fault(askPath, nil)
		expect(t, at, "known", "ok")
		expect(t, at, "stranger", "unavailable")
	})
}

// An endpoint that asks for a rest from those who were in gets a short one.
func TestG92_TheRestOfKnownTokensIsShort(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.tokens["known"] = active(nil)
		expect(t, at, "known", "ok")
		pass(2 * time.Minute) // its answer is too old by now
		server.fault(askPath, resting(http.StatusTooManyRequests, "3600"))
		expect(t, at, "known", "unavailable")
		server.fault(askPath, nil)
		pass(4 * time.Second)
		expect(t, at, "known", "unavailable")
		pass(time.Second)
		expect(t, at, "known", "ok")
	})
}

// The operator sees how the breaker stands and how the last call failed.
func TestStatusTellsOfIntrospection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		remote := start(t, server, withClient)
		at := route(t, remote, nil)
		synctest.Wait()
		stands := func(breaker, trouble string) {
			t.Helper()
			status := remote.Status()
			if status.Breaker != breaker || (status.IntrospectionError == "") != (trouble == "") || !strings.Contains(status.IntrospectionError, trouble) {
				t.Errorf("breaker %q, error %q; want %q, %q", status.Breaker, status.IntrospectionError, breaker, trouble)
			}
		}
		stands("closed", "")
		server.fault(askPath, respond(http.StatusInternalServerError, "text/plain", ""))
		for n := range 5 {
			stands("closed", map[bool]string{true: "500"}[n > 0])
			expect(t, at, fmt.Sprint("opaque", n), "unavailable")
		}
		stands("open", "500")
		pass(time.Second)
		stands("half_open", "500")
		expect(t, at, "try", "unavailable")
		stands("open", "500")
		pass(time.Second)
		server.fault(askPath, nil)
		expect(t, at, "try", introspect.ReasonInactive) // a good answer
		stands("closed", "")
		server.fault(askPath, resting(http.StatusTooManyRequests, "10"))
		expect(t, at, "more", "unavailable")
		stands("open", "429")
		pass(10 * time.Second)
		stands("half_open", "429")
		if status := start(t, server, nil).Status(); status.Breaker != "" {
			t.Errorf("without introspection the breaker is %q", status.Breaker)
		}
	})
}

// A token that the endpoint cannot describe does not open the breaker for others.
func TestRS32_OddAnswersAboutOneTokenDoNotOpenTheBreaker(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.fault(askPath, answer(active(map[string]any{"sub": strings.Repeat("x", 300)})))
		for n := range 20 {
			expect(t, at, fmt.Sprint("odd", n), "unavailable")
		}
		if calls := server.count(askPath); calls != 20 {
			t.Errorf("%d calls, want 20", calls)
		}
	})
}

// Where the endpoint is configured, nothing else of the issuer is asked.
func TestAnIssuerWithoutDiscovery(t *testing.T) {
	withEndpoint(t, func(f *introspect.Foreign) {
		f.Validate, f.Endpoint = introspect.ValidateIntrospect, "https://other.example.com"+askPath
	}, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.tokens["opaque"] = active(nil)
		expect(t, at, "opaque", "ok")
		if server.total() != 1 || server.seen[0].URL.String() != "https://other.example.com"+askPath {
			t.Errorf("%d calls, the first to %s", server.total(), server.seen[0].URL)
		}
	})
	// It goes before what the metadata say.
	withEndpoint(t, func(f *introspect.Foreign) { f.Endpoint = idp + "/elsewhere" }, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		expect(t, at, "opaque", "unavailable")
		if server.count("/elsewhere") != 1 || server.count(askPath) != 0 {
			t.Error("another endpoint was asked")
		}
	})
}

// RFC 7662 §2.3: an endpoint that refuses our client speaks of our configuration.
func TestG92_RefusedCredentialsAreExplained(t *testing.T) {
	for status, want := range map[int]string{401: "check client and secret", 403: "check client and secret", 400: "not by auth basic"} {
		synctest.Test(t, func(t *testing.T) {
			server := newIssuer(newKey("k", oauth.ES256))
			remote := start(t, server, withClient)
			server.fault(askPath, respond(status, "application/json", `{"error":"invalid_client"}`))
			synctest.Wait()
			expect(t, route(t, remote, nil), "opaque", "unavailable")
			if got := remote.Status().IntrospectionError; !strings.Contains(got, want) || strings.Contains(got, "s3cret") || strings.Contains(got, "opaque") {
				t.Errorf("%d: %s", status, got)
			}
		})
	}
}
