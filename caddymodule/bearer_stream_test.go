package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const streamIssuer, streamAudience = "https://idp.test", "https://api.test"

// voucher is an issuer whose verdict a test can change.
type voucher struct {
	stale atomic.Bool // its earlier verdicts rest on nothing
	asked atomic.Int64

	mu     sync.Mutex
	answer func(context.Context) (*introspect.Token, error)
}

func (v *voucher) Introspect(ctx context.Context, _ oauth.Secret) (*introspect.Token, error) {
	v.asked.Add(1)
	v.mu.Lock()
	answer := v.answer
	v.mu.Unlock()
	return answer(ctx)
}

func (v *voucher) Current(*introspect.Token) bool { return !v.stale.Load() }

// says changes the verdict.
func (v *voucher) says(answer func(context.Context) (*introspect.Token, error)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = answer
}

func good(context.Context) (*introspect.Token, error) { return minuteToken(true), nil }

func revoked(context.Context) (*introspect.Token, error) {
	return nil, &introspect.Refusal{Reason: introspect.ReasonRevoked}
}

func away(context.Context) (*introspect.Token, error) {
	return nil, &introspect.Unavailable{Cause: errors.New("down")}
}

func hangs(ctx context.Context) (*introspect.Token, error) {
	<-ctx.Done()
	return away(ctx)
}

// short gives a verdict that may not be kept.
func short(context.Context) (*introspect.Token, error) {
	t := minuteToken(true)
	t.Until = time.Now().Unix()
	return t, nil
}

// streamWorld is a watch and what opens streams in it, on the clock of a bubble.
type streamWorld struct {
	t      *testing.T
	watch  *streamWatch
	source *voucher
	bearer *BearerAuth
}

// minuteToken is good for a minute, and undated when it says no exp.
func minuteToken(dated bool) *introspect.Token {
	t := &introspect.Token{
		Issuer: streamIssuer, Subject: "frida", Audience: []string{streamAudience}, Expires: time.Now().Unix() + 60, Claims: introspect.ClaimsOf(map[string]any{}),
	}
	if dated {
		t.Claims.All()["exp"] = t.Expires
	}
	return t
}

func newStreamWorld(t *testing.T) *streamWorld {
	w := &streamWorld{t: t, watch: newStreamWatch(time.Now), source: &voucher{answer: good}}
	introspector, err := introspect.New(introspect.Config{
		Issuers:   []introspect.Issuer{{Name: "test", URL: streamIssuer, Source: w.source, Opaque: func(string) bool { return true }}},
		Audiences: []string{streamAudience}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { after(3 * time.Second) }) // for the watch to end
	w.bearer = &BearerAuth{introspector: introspector, grace: 10 * time.Second}
	return w
}

// open begins an answer with a token; the context ends when it is cut.
func (w *streamWorld) open(token *introspect.Token) (ctx context.Context, done func()) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	s := w.bearer.carried(verdict{token: token, secret: oauth.NewSecret("opaque")})
	_, r = w.watch.follow(httptest.NewRecorder(), r, s)
	w.t.Cleanup(s.done)
	return r.Context(), s.done
}

// after lets time go by, and what was to happen by then happen.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func wantCut(t *testing.T, ctx context.Context, want bool) {
	t.Helper()
	if got := errors.Is(context.Cause(ctx), errStreamCut); got != want {
		t.Errorf("cut: %v, want %v", got, want)
	}
}

func TestRS35_AnAnswerEndsWithItsToken(t *testing.T) {
	const expired = 70 * time.Second // good for 60 s, and 10 s of grace
	for name, test := range map[string]struct {
		dated bool
		until int64 // after which the verdict has to be asked for again; 0 for never
		// says and stale are the issuer's from 30 s on.
		says  func(context.Context) (*introspect.Token, error)
		stale bool
		ends  time.Duration
		asked int64
	}{
		"nothing changes":              {true, 0, good, false, expired, 0},
		"revoked":                      {true, 0, revoked, true, 31 * time.Second, 1},
		"revoked, which does not show": {true, 0, revoked, false, expired, 0},
		"revoked, asked at its time":   {true, 40, revoked, false, 40 * time.Second, 1},
		"issuer away":                  {true, 0, away, true, expired, 6},
		"issuer hangs":                 {true, 0, hangs, true, expired, 2},
		"undated and not confirmed":    {false, 60, away, false, expired, 2},
		"not to be kept":               {true, 40, short, false, 4 * expired, 48},
		"panic":                        {true, 0, func(context.Context) (*introspect.Token, error) { panic("in a source") }, true, 31 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newStreamWorld(t)
				held := minuteToken(test.dated)
				if test.until > 0 {
					held.Until = time.Now().Unix() + test.until
				}
				ctx, done := w.open(held)
				after(30*time.Second + time.Millisecond)
				wantCut(t, ctx, false)
				w.source.says(test.says)
				w.source.stale.Store(test.stale)
				after(test.ends - 31*time.Second)
				wantCut(t, ctx, false)
				if test.ends <= expired {
					after(2 * time.Second)
					wantCut(t, ctx, true)
				}
				if got := w.source.asked.Load(); got < test.asked-1 || got > test.asked+1 {
					t.Errorf("the issuer was asked %d times, want about %d", got, test.asked)
				}
				done()
			})
		})
	}
}

// A token without exp lives as long as its issuer says so, at most every five
// seconds even where no answer may be kept.
func TestAnUndatedTokenIsConfirmedForAsLongAsItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStreamWorld(t)
		unkept := func(context.Context) (*introspect.Token, error) {
			v := minuteToken(false)
			v.Until, v.Expires = time.Now().Unix(), time.Now().Unix()+1
			return v, nil
		}
		w.source.says(unkept)
		first, _ := unkept(t.Context())
		ctx, done := w.open(first)
		after(5 * time.Minute)
		wantCut(t, ctx, false)
		if got := w.source.asked.Load(); got < 40 || got > 60 {
			t.Errorf("asked %d times in 300 s", got)
		}
		w.source.says(revoked)
		after(7 * time.Second)
		wantCut(t, ctx, true)
		done()
	})
}

// However many fall at once, only so many questions are under way.
func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStreamWorld(t)
		heard := make(chan struct{})
		w.source.says(func(ctx context.Context) (*introspect.Token, error) {
			<-heard
			return revoked(ctx)
		})
		w.source.stale.Store(true)
		contexts := make([]context.Context, 100)
		for i := range contexts {
			contexts[i], _ = w.open(minuteToken(true))
		}
		after(5 * time.Second)
		if got := w.source.asked.Load(); got != maxAskers {
			t.Errorf("%d questions at once", got)
		}
		close(heard)
		after(time.Second)
		for _, ctx := range contexts {
			wantCut(t, ctx, true)
		}
	})
}

// bubbled counts the goroutines of a test in a bubble: what tests before it left
// ends meanwhile, as it likes.
func bubbled() int {
	stacks := make([]byte, 1<<22)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(", synctest bubble "))
}

// The watch leaves nothing behind, and begins again.
func TestTheWatchIsThereOnlyWhileAnswersAreOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStreamWorld(t)
		before := bubbled()
		for range 3 {
			first, endFirst := w.open(minuteToken(true))
			_, endSecond := w.open(minuteToken(true))
			after(1500 * time.Millisecond)
			third, endThird := w.open(minuteToken(true))
			endSecond()
			endFirst()
			after(3 * time.Second)
			if first.Err() == nil || errors.Is(context.Cause(first), errStreamCut) {
				t.Errorf("the first ended with %v", context.Cause(first))
			}
			wantCut(t, third, false)
			endThird()
			after(3 * time.Second)
			if w.watch.oldest != nil || w.watch.newest != nil || w.watch.running {
				t.Error("the watch goes on")
			}
			if now := bubbled(); now != before {
				t.Errorf("%d goroutines, %d before", now, before)
			}
		}
	})
}

// A writer may not be touched after its handler: HTTP/2 panics then.
func TestAnAnswerThatIsOverIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStreamWorld(t)
		s := w.bearer.carried(verdict{token: minuteToken(true)})
		w.watch.follow(nil, httptest.NewRequest(http.MethodGet, "/", nil), s)
		s.done()
		if s.cut(time.Now()) {
			t.Error("it was cut")
		}
	})
}

// What following costs a request that is short, which nearly all are.
func BenchmarkFollow(b *testing.B) {
	watch := newStreamWatch(time.Now)
	bearer, v := new(BearerAuth), verdict{token: new(introspect.Token)}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r, recorder := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		ctx, cancel := context.WithCancel(b.Context()) // as that of a server is
		defer cancel()
		r = r.WithContext(ctx)
		for pb.Next() {
			s := bearer.carried(v)
			watch.follow(recorder, r, s)
			s.done()
		}
	})
}
