package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func provisionedIssuer(t *testing.T, i *ForeignIssuer) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	if err := i.Provision(ctx); err != nil {
		return err
	}
	return i.Validate()
}

func TestEachMistakeInAnIssuerIsNamed(t *testing.T) {
	t.Setenv("GATEWAY_SECRET", "s3cret")
	dir := t.TempDir()
	noPEM := filepath.Join(dir, "no.pem")
	if err := os.WriteFile(noPEM, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "https://idp.example.com"
	client := func(o IssuerIntrospection) *IssuerIntrospection {
		o.ClientID, o.ClientSecret = "gateway", "{env.GATEWAY_SECRET}"
		return &o
	}
	for name, test := range map[string]struct {
		issuer ForeignIssuer
		want   string // "" for none
	}{
		"good":                         {ForeignIssuer{URL: url}, ""},
		"slash at the end":             {ForeignIssuer{URL: url + "/"}, ""},
		"http on loopback":             {ForeignIssuer{URL: "http://127.0.0.1:9000"}, ""},
		"http elsewhere":               {ForeignIssuer{URL: "http://idp.example.com"}, "must use https"},
		"no URL":                       {ForeignIssuer{}, "is not a URL"},
		"a query":                      {ForeignIssuer{URL: url + "?x"}, "is not a URL"},
		"unknown placeholder":          {ForeignIssuer{URL: "{env.NO_SUCH_VARIABLE_HERE}"}, "NO_SUCH_VARIABLE_HERE"},
		"validate":                     {ForeignIssuer{URL: url, ValidateBy: "jws"}, `"jws" is unknown`},
		"token type":                   {ForeignIssuer{URL: url, TokenType: "jwt"}, `"jwt" is unknown`},
		"RS2 a symmetric algorithm":    {ForeignIssuer{URL: url, Algorithms: []string{"HS256"}}, `"HS256"`},
		"RS3 none":                     {ForeignIssuer{URL: url, Algorithms: []string{"none"}}, `"none"`},
		"introspect as nobody":         {ForeignIssuer{URL: url, ValidateBy: "introspect"}, "needs a client"},
		"introspection without client": {ForeignIssuer{URL: url, Introspection: new(IssuerIntrospection)}, "without a client"},
		"introspection without id":     {ForeignIssuer{URL: url, Introspection: &IssuerIntrospection{ClientSecret: "x"}}, "both an id and a secret"},
		"introspection without secret": {ForeignIssuer{URL: url, Introspection: &IssuerIntrospection{ClientID: "x"}}, "both an id and a secret"},
		"secret that is not there":     {ForeignIssuer{URL: url, Introspection: &IssuerIntrospection{ClientID: "x", ClientSecret: "{env.NO_SUCH_VARIABLE_HERE}"}}, "NO_SUCH_VARIABLE_HERE"},
		"introspection never used":     {ForeignIssuer{URL: url, ValidateBy: "jwt", Introspection: client(IssuerIntrospection{})}, "never asks"},
		"missing_audience":             {ForeignIssuer{URL: url, Introspection: client(IssuerIntrospection{MissingAudience: "ignore"})}, `"ignore"`},
		"RS30 negative cache":          {ForeignIssuer{URL: url, Introspection: client(IssuerIntrospection{NegativeCache: caddy.Duration(time.Minute)})}, "5s"},
		"negative time":                {ForeignIssuer{URL: url, Timeout: -1}, "negative"},
		"no CA file":                   {ForeignIssuer{URL: url, TLSCA: filepath.Join(dir, "nowhere.pem")}, "tls_ca: open"},
		"no CA in the file":            {ForeignIssuer{URL: url, TLSCA: noPEM}, "holds no certificate"},
		"all of introspection":         {ForeignIssuer{URL: url, Introspection: client(IssuerIntrospection{MissingAudience: "allow"})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := provisionedIssuer(t, &test.issuer)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestAnIssuerTakesItsSettingsFromTheConfiguration(t *testing.T) {
	t.Setenv("GATEWAY_SECRET", "s3cret")
	i := &ForeignIssuer{
		URL: "https://idp.example.com", ValidateBy: "introspect", Algorithms: []string{"ES256"}, TokenType: "strict",
		Timeout: caddy.Duration(time.Second), JWKS: &IssuerKeys{Refresh: caddy.Duration(time.Minute), MaxStale: caddy.Duration(time.Hour)},
		Introspection: &IssuerIntrospection{
			ClientID: "gateway", ClientSecret: "{env.GATEWAY_SECRET}",
			Cache: caddy.Duration(30 * time.Second), NegativeCache: caddy.Duration(2 * time.Second), MissingAudience: "refuse",
		},
	}
	if err := provisionedIssuer(t, i); err != nil {
		t.Fatal(err)
	}
	f := i.foreign
	if f.URL != "https://idp.example.com" || f.Validate != "introspect" || len(f.Algorithms) != 1 || f.TokenType != "strict" ||
		f.Timeout != time.Second || f.Refresh != time.Minute || f.MaxStale != time.Hour ||
		f.ClientID != "gateway" || f.ClientSecret.Reveal() != "s3cret" || f.CacheTTL != 30*time.Second ||
		f.NegativeTTL != 2*time.Second || !f.RequireAudience || f.Leeway != defaultLeeway {
		t.Errorf("settings are %+v", f)
	}
	least := &ForeignIssuer{URL: "https://idp.example.com", Introspection: &IssuerIntrospection{ClientID: "a", ClientSecret: "b"}}
	if err := provisionedIssuer(t, least); err != nil {
		t.Fatal(err)
	}
	if f := least.foreign; f.CacheTTL != time.Minute || f.NegativeTTL != 5*time.Second || !f.RequireAudience {
		t.Errorf("defaults of introspection are %+v", f)
	}
}

func TestEverySettingOfAnIssuerIsInItsPoolKey(t *testing.T) {
	base := func() *ForeignIssuer {
		return &ForeignIssuer{foreign: introspect.Foreign{URL: "https://idp.example.com"}}
	}
	seen := map[[32]byte]string{base().poolKey(): "none"}
	for name, change := range map[string]func(i *ForeignIssuer){
		"URL":           func(i *ForeignIssuer) { i.foreign.URL += "/" },
		"validate":      func(i *ForeignIssuer) { i.foreign.Validate = "jwt" },
		"algorithms":    func(i *ForeignIssuer) { i.foreign.Algorithms = []string{"ES256"} },
		"token type":    func(i *ForeignIssuer) { i.foreign.TokenType = "strict" },
		"client":        func(i *ForeignIssuer) { i.foreign.ClientID = "x" },
		"cache":         func(i *ForeignIssuer) { i.foreign.CacheTTL = 1 },
		"negative":      func(i *ForeignIssuer) { i.foreign.NegativeTTL = 1 },
		"audience":      func(i *ForeignIssuer) { i.foreign.RequireAudience = true },
		"refresh":       func(i *ForeignIssuer) { i.foreign.Refresh = 1 },
		"stale":         func(i *ForeignIssuer) { i.foreign.MaxStale = 1 },
		"timeout":       func(i *ForeignIssuer) { i.foreign.Timeout = 1 },
		"CA":            func(i *ForeignIssuer) { i.roots = []byte("x") },
		"same settings": func(*ForeignIssuer) {},
	} {
		i := base()
		change(i)
		key := i.poolKey()
		other, known := seen[key]
		if known != (name == "same settings") {
			t.Errorf("%s has the key of %s: %v", name, other, known)
		}
		seen[key] = name
	}
}

func TestAnIssuerIsCalledByItsNameOrItsURL(t *testing.T) {
	corp := &ForeignIssuer{URL: "https://idp.example.com"}
	app := &App{Issuers: map[string]*ForeignIssuer{"corp": corp}}
	if got, err := app.issuerSettings("corp"); err != nil || got != corp {
		t.Errorf("by name: %v, %v", got, err)
	}
	if got, err := app.issuerSettings("https://other.example.com"); err != nil || got == corp || got.URL != "https://other.example.com" {
		t.Errorf("by URL: %v, %v", got, err)
	}
	for name, want := range map[string]string{
		"crop":                    "which has corp",
		"https://idp.example.com": "under the name corp",
	} {
		if _, err := app.issuerSettings(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
}
