package caddymodule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const (
	// spellingsSeed makes the spellings; another one makes others.
	spellingsSeed  = 17
	spellingsCount = 5000
	perRequest     = 25
)

// protectedHeaders are all that the gateway of the test puts on.
var protectedHeaders = append([]string{"X-User-Roles", "X_Tenant.Id", "X-Identity-Assertion"}, identityHeaders...)

// spell writes a name as some upstream reads it: any case, any separator.
func spell(random *rand.Rand, name string) string {
	// Most careless upstreams take _ for -, some any character that is no letter.
	separators := "--___..!#$%&'*+^`|~"
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c < 'a' || c > 'z':
			b.WriteByte(separators[random.IntN(len(separators))])
		case random.IntN(2) == 0:
			b.WriteString(strings.ToUpper(string(c)))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// folded is what a careless upstream makes of a name.
func folded(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToLower(name))
}

// firewall is a Caddy with the same site on two addresses: one keeps names with
// underscores and dots, so that the test sees our firewall and not Caddy's, and
// drops their hyphenated forms; the other has Caddy's defaults.
type firewall struct {
	*gateway
	keeps, defaults string
	http2           map[string]*http2Conn
}

func newFirewall(t *testing.T, kept []string) *firewall {
	t.Helper()
	f := &firewall{gateway: &gateway{t: t, issuer: newTestIssuer(t), upstream: newRawUpstream(t)}, http2: map[string]*http2Conn{}}
	ports := []int{freePort(t), freePort(t)}
	f.keeps, f.defaults = fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	var underscores, dots []string
	for _, name := range kept {
		if strings.Contains(name, "_") {
			underscores = append(underscores, name)
		} else if strings.Contains(name, ".") {
			dots = append(dots, name)
		}
	}
	globals := fmt.Sprintf("%s\nservers :%d {\nprotocols h1 h2c\nexpected_underscore_headers %s\nexpected_dot_headers %s\n}\nservers :%d {\nprotocols h1 h2c\n}",
		keeping(t), ports[0], quoted(underscores), quoted(dots), ports[1])
	site := fmt.Sprintf(`http://%s, http://%s {
	bearer_auth /guarded* %s {
		audience %s
		public /guarded/public
		allow * /guarded/write scope write
		allow * *
		mode optional
		cors_preflight
		header X-User-Roles {http.auth.token.roles} as csv
		header X_Tenant.Id {http.auth.token.tenant}
		assertion {
			audience http://orders.internal
		}
	}
	reverse_proxy %[5]s
	handle_errors {
		reverse_proxy %[5]s
	}
}
`, f.keeps, f.defaults, f.issuer.URL, apiAudience, f.upstream.address)
	if err := load(t, config(t, "", globals, site)); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{f.keeps, f.defaults} {
		f.http2[address] = newHTTP2(t, address)
	}
	return f
}

func quoted(names []string) string {
	return `"` + strings.Join(slices.Compact(slices.Sorted(slices.Values(names))), `" "`) + `"`
}

// forgery is one request with forged headers, as HTTP/1.1 and HTTP/2 have them.
type forgery struct {
	fields, connection, announced, trailers []string
}

// forge puts names where a request can have them.
func forge(random *rand.Rand, names []string) (f forgery) {
	for _, name := range names {
		switch random.IntN(6) {
		case 0:
			f.fields = append(f.fields, name+": root", name+": root too")
		case 1:
			f.connection = append(f.connection, name)
		case 2:
			f.announced = append(f.announced, name)
			f.trailers = append(f.trailers, name+": root")
		case 3:
			f.trailers = append(f.trailers, name+": root") // not announced
		default:
			f.fields = append(f.fields, name+": root")
		}
	}
	return f
}

func (f *firewall) overHTTP1(address, request string, headers []string, forged forgery) string {
	lines := append([]string{request + " HTTP/1.1", "Host: " + address}, headers...)
	lines = append(lines, forged.fields...)
	lines = append(lines, "Connection: "+strings.Join(append([]string{"close"}, forged.connection...), ", "))
	body := ""
	if len(forged.trailers) > 0 {
		lines = append(lines, "Transfer-Encoding: chunked", "Trailer: "+strings.Join(append([]string{"X-Checksum"}, forged.announced...), ", "))
		body = "5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n" + strings.Join(forged.trailers, "\r\n") + "\r\n\r\n"
	}
	f.address = address
	return fmt.Sprint(f.raw(strings.Join(lines, "\r\n") + "\r\n\r\n" + body).StatusCode)
}

func (f *firewall) overHTTP2(address, request string, headers []string, forged forgery) string {
	var fields, trailers []string
	lower := func(to *[]string, lines []string) {
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			*to = append(*to, strings.ToLower(name)+": "+value)
		}
	}
	lower(&fields, headers)
	lower(&fields, forged.fields)
	if len(forged.trailers) > 0 {
		fields = append(fields, "trailer: "+strings.Join(append([]string{"x-checksum"}, forged.announced...), ", "))
		trailers = append(trailers, "x-checksum: 5d41")
		lower(&trailers, forged.trailers)
	}
	if len(forged.connection) > 0 {
		// HTTP/2 has no such header (RFC 9113 §8.2.2): Caddy refuses the request.
		evil := append(slices.Clone(fields), "connection: "+strings.Join(forged.connection, ", "))
		method, path, _ := strings.Cut(request, " ")
		if status := f.http2[address].send(method, path, evil, trailers); status == "200" {
			return "200 with Connection"
		}
		f.http2[address].close()
	}
	method, path, _ := strings.Cut(request, " ")
	return f.http2[address].send(method, path, fields, trailers)
}

// judge says what is wrong with what the upstream got.
func (f *firewall) judge(raw string, identity map[string]string) string {
	if raw == "" {
		return "nothing"
	}
	if strings.Contains(raw, "root") {
		return "a forged value"
	}
	found := map[string]int{}
	for line := range strings.SplitSeq(raw, "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		for _, protected := range protectedHeaders {
			if folded(name) != folded(protected) {
				continue
			}
			found[protected]++
			want, given := identity[protected]
			if !given || want != "" && value != want || !strings.EqualFold(name, protected) {
				return "a wrong " + protected
			}
		}
	}
	for protected := range identity {
		if found[protected] != 1 {
			return fmt.Sprintf("%d times %s", found[protected], protected)
		}
	}
	return ""
}

func TestRS17_G57_FiveThousandSpellingsForgeNothingAndRemoveNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(spellingsSeed, spellingsSeed))
	seen := map[string]bool{}
	var aliases, others []string
	for len(seen) < spellingsCount {
		name := spell(random, protectedHeaders[random.IntN(len(protectedHeaders))])
		switch {
		case seen[name]:
		case strings.ContainsAny(name, "_.") && !strings.Contains(name, "*"): // which Caddy takes for a pattern
			aliases = append(aliases, name)
		default:
			others = append(others, name)
		}
		seen[name] = true
	}
	f := newFirewall(t, aliases)
	token := f.bearer(map[string]any{"roles": []string{"a", "b,c"}, "tenant": "blue"})
	identity := map[string]string{
		"X-Auth-Subject": "frida", "X-Auth-Client-Id": "shop", "X-Auth-Scope": "read", "X-Auth-Issuer": f.issuer.URL,
		"X-User-Roles": "a,b%2Cc", "X_Tenant.Id": "blue", "X-Identity-Assertion": "", // whatever it is, once
	}
	kinds := []struct {
		name, request string
		headers       []string
		identity      map[string]string
	}{
		{"allowed", "POST /guarded/x", []string{token}, identity},
		{"public", "POST /guarded/public", []string{token}, nil},
		{"anonymous", "POST /guarded/x", nil, nil},
		{"preflight", "OPTIONS /guarded/x", []string{"Origin: https://evil.test", "Access-Control-Request-Method: GET"}, nil},
		{"outside the matcher", "POST /free", nil, nil},
		// handle_errors sends refused requests to the same upstream.
		{"without scope", "POST /guarded/write", []string{token}, nil},
		{"bad token", "POST /guarded/x", []string{"Authorization: Bearer bad"}, nil},
		{"no token", "POST /guarded/write", nil, nil},
	}
	requests := 0
	for _, part := range []struct {
		address string
		names   []string
	}{{f.keeps, aliases}, {f.defaults, others}} {
		for names := range slices.Chunk(part.names, perRequest) {
			forged := forge(random, names)
			for _, kind := range kinds {
				for protocol, send := range map[string]func(string, string, []string, forgery) string{"HTTP/1.1": f.overHTTP1, "HTTP/2": f.overHTTP2} {
					requests++
					status := send(part.address, kind.request, kind.headers, forged)
					raw := f.upstream.next()
					wrong := f.judge(raw, kind.identity)
					if status != "200" {
						wrong = "status " + status
					}
					if wrong != "" {
						t.Fatalf("seed %d, %s, %s: the upstream got %s\nforged: %+v\ngot:\n%s", spellingsSeed, kind.name, protocol, wrong, forged, raw)
					}
				}
			}
		}
	}
	if len(f.upstream.seen) > 0 {
		t.Errorf("seed %d: the upstream got %d requests too many", spellingsSeed, len(f.upstream.seen))
	}
	if requests < 2*len(kinds)*spellingsCount/perRequest {
		t.Errorf("only %d requests", requests)
	}
}
