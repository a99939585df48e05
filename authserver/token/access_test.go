package token_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestAccessOpensAsItWasMinted(t *testing.T) {
	m := newMinter()
	odd := userAccess()
	odd.Subject = "Zoë <&> \u2028 \"x\" \\"
	odd.IssuedAt = start.Add(700 * time.Millisecond)
	odd.Expires = start.Add(60*time.Second + 900*time.Millisecond)
	for _, format := range formats {
		for name, access := range map[string]token.Access{"user": userAccess(), "client": clientAccess(), "odd": odd} {
			t.Run(format+" "+name, func(t *testing.T) {
				text, minted := mintAccess(t, m, access, format)
				opened, err := m.OpenAccess(text, start)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(opened, minted) {
					t.Errorf("opened %+v, minted %+v", opened, minted)
				}
				want := access
				want.ID, want.Issuer = minted.ID, issuer
				want.IssuedAt = access.IssuedAt.Truncate(time.Second)
				want.Expires = access.Expires.Truncate(time.Second)
				if !reflect.DeepEqual(minted, want) {
					t.Errorf("minted %+v, want %+v", minted, want)
				}
			})
		}
	}
}

func TestAS30_AccessTokenGolden(t *testing.T) {
	m := newMinter()
	signer, err := ringOf().Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		access token.Access
		want   string
	}{
		{"user", userAccess(), `{"iss":"https://auth.example.com/oauth2","sub":"demo","aud":"https://api.example.com",` +
			`"exp":1800000600,"iat":1800000000,"jti":"JTI","client_id":"myClient","scope":"openid write",` +
			`"gid":"0123456789abcdef0123456789abcdef","sid":"s-1","auth_time":1799999940,"acr":"1","amr":["pwd"]}`},
		{"client", clientAccess(), `{"iss":"https://auth.example.com/oauth2","sub":"orders",` +
			`"aud":["https://api.example.com","https://other.example.com"],` +
			`"exp":1800003600,"iat":1800000000,"jti":"JTI","client_id":"orders","scope":"orders:read"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, minted := mintAccess(t, m, tt.access, oauth.FormatJWT)
			if got := strings.Replace(payloadOf(t, text), minted.ID, "JTI", 1); got != tt.want {
				t.Errorf("payload\n%s\nwant\n%s", got, tt.want)
			}
			header, _, _ := strings.Cut(text.Reveal(), ".")
			want := encode(`{"alg":"ES256","kid":"` + signer.KeyID + `","typ":"at+jwt"}`)
			if header != want {
				t.Errorf("header %s, want %s", header, want)
			}
		})
	}
}

func TestOpaqueAccessTokenShowsItsKeyAndNothingElse(t *testing.T) {
	m := newMinter()
	text, minted := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
	if !regexp.MustCompile(`^oat_[0-9a-f]{16}_[A-Za-z0-9_-]+$`).MatchString(text.Reveal()) {
		t.Fatalf("%s: want the prefix, the key id and the seal", text.Reveal())
	}
	sealed := decode(t, text.Reveal()[21:])
	for _, fact := range []string{minted.Subject, minted.ClientID, minted.ID, minted.GrantID, issuer, "iss"} {
		if strings.Contains(sealed, fact) {
			t.Errorf("the sealed text shows %q", fact)
		}
	}
}

func TestAccessTokenIDsAreRandom(t *testing.T) {
	m := newMinter()
	seen := map[string]bool{}
	for range 1000 {
		_, minted := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
		if len(minted.ID) < 22 { // 128 bits in base64
			t.Fatalf("jti %q is too short for 128 bits", minted.ID)
		}
		seen[minted.ID] = true
	}
	if len(seen) != 1000 {
		t.Error("a jti came twice")
	}
}

func TestG37_AccessTokenExpiresExactly(t *testing.T) {
	m := newMinter()
	for _, format := range formats {
		text, minted := mintAccess(t, m, userAccess(), format)
		tests := []struct {
			now  time.Time
			good bool
		}{
			{minted.IssuedAt, true},
			{minted.Expires.Add(-time.Nanosecond), true},
			{minted.Expires, false},
			{minted.Expires.Add(time.Second), false},
		}
		for _, tt := range tests {
			if _, err := m.OpenAccess(text, tt.now); (err == nil) != tt.good {
				t.Errorf("%s at exp %v: %v", format, tt.now.Sub(minted.Expires), err)
			}
		}
	}
}

func TestMintAccessRefusesWhatNobodyWouldAccept(t *testing.T) {
	m := newMinter()
	tests := map[string]func(*token.Access){
		"no subject":          func(a *token.Access) { a.Subject = "" },
		"subject is not text": func(a *token.Access) { a.Subject = "a\xff" },
		"NUL in subject":      func(a *token.Access) { a.Subject = "a\x00" },
		"no client":           func(a *token.Access) { a.ClientID = "" },
		"no audience":         func(a *token.Access) { a.Audience = nil },
		"empty audience":      func(a *token.Access) { a.Audience = []string{""} },
		"no issue time":       func(a *token.Access) { a.IssuedAt = time.Time{} },
		"no expiry":           func(a *token.Access) { a.Expires = time.Time{} },
		"lifetime below 1 s":  func(a *token.Access) { a.Expires = a.IssuedAt.Add(900 * time.Millisecond) },
		"too long": func(a *token.Access) {
			a.Audience = []string{"https://api.example.com/" + strings.Repeat("x", oauth.MaxTokenBytes)}
		},
	}
	for name, change := range tests {
		for _, format := range formats {
			access := userAccess()
			change(&access)
			if text, _, err := m.MintAccess(access, format); err == nil || !text.Empty() {
				t.Errorf("%s as %s: minted", name, format)
			}
		}
	}
	if _, _, err := m.MintAccess(userAccess(), "saml"); err == nil {
		t.Error("minted an unknown format")
	}
	without := token.NewMinter("/", issuer, openRing(&keyMemory{}, "/", oauth.EdDSA))
	if _, _, err := without.MintAccess(userAccess(), oauth.FormatJWT); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("without an ES256 key: %v, want an error that is not the token's", err)
	}
}

func TestAnyByteOfAnAccessTokenCounts(t *testing.T) {
	m := newMinter()
	for _, format := range formats {
		text, _ := mintAccess(t, m, userAccess(), format)
		for _, bad := range spoiled(text.Reveal()) {
			if _, err := m.OpenAccess(oauth.NewSecret(bad), start); !errors.Is(err, token.ErrInvalid) {
				t.Fatalf("%s: %q gives %v", format, bad, err)
			}
		}
	}
}

func TestAS57_AccessTokenOfAnotherRealmIsRefused(t *testing.T) {
	shared := ringOf()
	others := map[string]*token.Minter{
		"other keys":               token.NewMinter("/", issuer, openRing(&keyMemory{}, "/", oauth.ES256)),
		"same keys, other issuer":  token.NewMinter("/", issuer+"/x", shared),
		"other realm altogether":   token.NewMinter("/b", "https://b.example.com/oauth2", openRing(&keyMemory{}, "/b", oauth.ES256)),
		"issuer differs by a case": token.NewMinter("/", strings.ToUpper(issuer[:5])+issuer[5:], shared),
	}
	for _, format := range formats {
		text, _ := mintAccess(t, newMinter(), userAccess(), format)
		for name, other := range others {
			if _, err := other.OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s, %s: %v", format, name, err)
			}
		}
	}
	// The realm's name is part of the seal even under shared keys and issuer.
	text, _ := mintAccess(t, newMinter(), userAccess(), oauth.FormatOpaque)
	if _, err := token.NewMinter("/b", issuer, shared).OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("opaque, same keys and issuer, other realm: %v", err)
	}
}

func TestG16_OtherTokensAreNoAccessTokens(t *testing.T) {
	m := newMinter()
	code, _ := m.NewCode(grantID)
	_, minted := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	jwt, _ := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	payload := payloadOf(t, jwt)
	tests := map[string]oauth.Secret{
		"refresh token": mintRefresh(t, m, 1),
		"code":          code,
		"jti":           oauth.NewSecret(minted.ID),
	}
	for _, algorithm := range algorithms {
		tests["ID token "+algorithm] = mintID(t, m, idToken(), algorithm)
	}
	// G15: what looks like an access token but for its typ.
	for _, typ := range []string{"JWT", "jwt", "dpop+jwt", "logout+jwt", "token-introspection+jwt", "secevent+jwt", "oauth-authz-req+jwt", "at+jwt ", "at", "application/jwt", ""} {
		tests["typ "+typ] = signAs(t, ringOf(), oauth.ES256, typ, payload)
	}
	for name, text := range tests {
		if _, err := m.OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt"} {
		if _, err := m.OpenAccess(signAs(t, ringOf(), oauth.ES256, typ, payload), start); err != nil {
			t.Errorf("typ %s: %v, want it accepted", typ, err)
		}
	}
}

func TestG2_HeaderOfAnAccessTokenDecidesNothing(t *testing.T) {
	m := newMinter()
	jwt, _ := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	parts := strings.Split(jwt.Reveal(), ".")
	signer, err := ringOf().Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ringOf().Signer(oauth.RS256)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{
		`{"alg":"none","kid":"` + signer.KeyID + `","typ":"at+jwt"}`,
		`{"alg":"HS256","kid":"` + signer.KeyID + `","typ":"at+jwt"}`,
		`{"alg":"RS256","kid":"` + signer.KeyID + `","typ":"at+jwt"}`,
		`{"alg":"ES256","kid":"` + other.KeyID + `","typ":"at+jwt"}`,
		`{"alg":"ES256","kid":"","typ":"at+jwt"}`,
		`{"alg":"ES256","kid":"../../etc/passwd","typ":"at+jwt"}`,
		`{"alg":"ES256","typ":"at+jwt"}`,
		`{"kid":"` + signer.KeyID + `","typ":"at+jwt"}`,
	} {
		for _, signature := range []string{parts[2], ""} {
			text := oauth.NewSecret(encode(header) + "." + parts[1] + "." + signature)
			if _, err := m.OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: %v", header, err)
			}
		}
	}
}

// Even under our own signature a claim of the wrong type is no claim.
func TestClaimTypesOfAnAccessTokenAreStrict(t *testing.T) {
	m := newMinter()
	good := map[string]any{
		"iss": issuer, "sub": "demo", "aud": "https://api.example.com", "exp": 1800000600, "iat": 1800000000,
		"jti": "id", "client_id": "myClient",
	}
	open := func(claims map[string]any) error {
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.OpenAccess(signAs(t, ringOf(), oauth.ES256, "at+jwt", string(payload)), start)
		return err
	}
	if err := open(good); err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string][]any{
		"iss":       {nil, 1, issuer + "/", []string{issuer}, "", "http" + issuer[5:]},
		"sub":       {nil, "", 1, []string{"demo"}},
		"aud":       {nil, "", 1, []any{}, []any{1}, []any{"https://api.example.com", 1}, []any{[]string{"x"}}, map[string]any{}},
		"exp":       {nil, "1800000600", -1, true, 1e300, 0},
		"iat":       {nil, "1800000000", -1},
		"jti":       {nil, "", 1},
		"client_id": {nil, "", 1},
		"scope":     {1, []string{"a"}, "a  b", `a"`, " "},
		"gid":       {1, []string{grantID}, nil},
		"sid":       {1},
		"auth_time": {"1"},
		"acr":       {1},
		"amr":       {1, []any{1}},
	} {
		for _, value := range values {
			claims := maps.Clone(good)
			claims[name] = value
			if err := open(claims); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s = %v: %v", name, value, err)
			}
		}
		if _, required := good[name]; required {
			claims := maps.Clone(good)
			delete(claims, name)
			if err := open(claims); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("without %s: %v", name, err)
			}
		}
	}
}

func TestG27_PayloadThatIsNoStrictObject(t *testing.T) {
	m := newMinter()
	for _, payload := range []string{
		"", "null", "[]", "1", `"x"`, "{}", "{}{}", `{"exp":`, "\xef\xbb\xbf{}", strings.Repeat("[", 5000),
		`{"iss":"a","iss":"b"}`, `{"Exp":1,"exp":1800000600}`,
	} {
		if _, err := m.OpenAccess(signAs(t, ringOf(), oauth.ES256, "at+jwt", payload), start); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%.20q: %v", payload, err)
		}
	}
}

func TestAccessTokenIsBounded(t *testing.T) {
	m := newMinter()
	for _, text := range []string{
		strings.Repeat("A", oauth.MaxTokenBytes+1),
		"oat_" + strings.Repeat("A", 1<<20),
		strings.Repeat(".", 1<<20),
	} {
		if _, err := m.OpenAccess(oauth.NewSecret(text), start); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%.10q…: %v", text, err)
		}
	}
}

// Tokens outlive the keys that made them until these are taken away.
func TestAccessTokenOfARetiredKeyIsGood(t *testing.T) {
	st := &keyMemory{}
	before := token.NewMinter("/", issuer, openRing(st, "/", oauth.ES256))
	var texts []oauth.Secret
	for _, format := range formats {
		text, _ := mintAccess(t, before, userAccess(), format)
		texts = append(texts, text)
	}
	texts = append(texts, mintRefresh(t, before, 7))
	for i := range st.rows {
		st.rows[i].State = store.KeyRetiring
	}
	after := token.NewMinter("/", issuer, openRing(st, "/", oauth.ES256))
	for _, text := range texts[:2] {
		if _, err := after.OpenAccess(text, start); err != nil {
			t.Error(err)
		}
	}
	if refresh, err := after.OpenRefresh(texts[2]); err != nil || refresh.Generation != 7 {
		t.Errorf("%+v, %v", refresh, err)
	}
	if after.RefreshKeyID() == before.RefreshKeyID() {
		t.Error("new families are bound to a retired key")
	}
}
