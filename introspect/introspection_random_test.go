package introspect_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// said is something that an endpoint can say of a member of its answer; nil
// says nothing of it. ok tells whether it lets a token pass.
type said struct {
	value any
	ok    bool
}

// sayings are told member by member, good ones first and more often.
func sayings(now int64) map[string][]said {
	null := json.RawMessage("null")
	return map[string][]said{
		"active":     {{true, true}, {true, true}, {true, true}, {false, false}, {"true", false}, {1, false}, {null, false}, {nil, false}},
		"sub":        {{"alice", true}, {"zoë", true}, {"", false}, {7, false}, {null, false}, {[]string{"alice"}, false}, {strings.Repeat("x", 256), false}, {"a\nb", false}},
		"client_id":  {{"web", true}, {nil, true}, {"", true}, {7, false}},
		"username":   {{nil, true}, {"alice", true}, {7, true}},
		"aud":        {{api, true}, {[]string{"x", api}, true}, {nil, false}, {"x", false}, {api + "/", false}, {[]string{}, false}, {[]any{api, 7}, false}, {null, false}},
		"iss":        {{idp, true}, {nil, true}, {idp + "/", false}, {"", false}, {"https://evil.example", false}, {7, false}},
		"exp":        {{now + 600, true}, {nil, true}, {now - 60, false}, {0, false}, {"600", false}, {-1, false}, {json.RawMessage("1e400"), false}, {null, false}},
		"nbf":        {{now - 1, true}, {nil, true}, {now + 3600, false}, {"0", false}},
		"iat":        {{now, true}, {nil, true}, {now + 3600, false}, {null, false}},
		"token_type": {{"Bearer", true}, {nil, true}, {"bearer", true}, {"DPoP", false}, {"N_A", false}, {7, false}},
		"scope":      {{"orders:read", true}, {nil, true}, {7, false}, {[]string{"orders:read"}, false}},
		"cnf":        {{nil, true}, {nil, true}, {nil, true}, {map[string]string{"jkt": "x"}, false}, {map[string]any{}, false}},
	}
}

// Whatever an endpoint says, a token passes only if every single thing that it
// says is good, and the decision is the same without a cache, with one, and from
// one (RS33). A million requests of each are
//
//	HOSTILE_ROUNDS=250 go test -run TestF15_G91 -timeout 1h ./introspect
func TestF15_G91_RS33_RandomAnswers(t *testing.T) {
	total := 4000 * rounds("HOSTILE_ROUNDS")
	synctest.Test(t, func(t *testing.T) {
		state := uint64(1)
		random := func(below int) int { // the same numbers in each run
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			return int(state % uint64(below))
		}
		server, cache := newIssuer(newKey("k", oauth.ES256)), newCache(t)
		remote := start(t, server, func(f *introspect.Foreign) { withClient(f); f.NegativeTTL = 0 })
		bare, cached := route(t, remote, nil), route(t, remote, func(c *introspect.Config) { c.Cache = cache })
		synctest.Wait()
		passed := 0
		server.tokens["fine"] = active(map[string]any{"exp": nil})
		for n := range total {
			document, good := map[string]any{}, true
			all := sayings(time.Now().Unix())
			for _, name := range slices.Sorted(maps.Keys(all)) {
				choices := all[name]
				choice := choices[0]
				if random(6) == 0 {
					choice = choices[random(len(choices))]
				}
				good = good && choice.ok
				if choice.value != nil {
					document[name] = choice.value
				}
			}
			token := fmt.Sprint("opaque", n)
			server.answer(token, document)
			first := verdict(t, bare, token)
			if (first == "ok") != good {
				t.Fatalf("%s: %q, want it to pass: %v", mustJSON(document), first, good)
			}
			for _, at := range []*introspect.Introspector{cached, cached} {
				if again := verdict(t, at, token); again != first {
					t.Fatalf("%s: %q without a cache, %q with one", mustJSON(document), first, again)
				}
				cache.Wait()
			}
			if good {
				passed++
			}
			// A good answer in between keeps the breaker closed.
			expect(t, bare, "fine", "ok")
			pass(time.Millisecond)
			server.answer(token, nil)
		}
		t.Logf("%d answers, %d of them good", total, passed)
		if passed < total/20 || passed > total/2 {
			t.Errorf("%d of %d passed: the test does not try what it should", passed, total)
		}
	})
}
