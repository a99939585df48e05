package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

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
		"refresh too often":            {ForeignIssuer{URL: url, JWKS: &IssuerKeys{Refresh: caddy.Duration(time.Second)}}, "use 10s or more"},
		"stale before refreshed":       {ForeignIssuer{URL: url, JWKS: &IssuerKeys{MaxStale: caddy.Duration(time.Minute)}}, "shorter than refresh"},
		"stale before now":             {ForeignIssuer{URL: url, JWKS: &IssuerKeys{MaxStale: -1}}, "negative"},
		"negative age":                 {ForeignIssuer{URL: url, MaxTokenAge: -1}, "negative"},
		"G86 no range":                 {ForeignIssuer{URL: url, AllowPrivate: []string{"10.0.0.1"}}, "as in 10.0.0.0/8"},
		"keys at two places":           {ForeignIssuer{URL: url, JWKSURI: url, JWKSFile: noPEM}, "keep one of them"},
		"RS23 keys over http":          {ForeignIssuer{URL: url, JWKSURI: "http://keys.example.com/"}, "must use https"},
		"keys in no file":              {ForeignIssuer{URL: url, JWKSFile: filepath.Join(dir, "nowhere.json")}, "jwks_file: open"},
		"no keys in the file":          {ForeignIssuer{URL: url, JWKSFile: noPEM}, "jwks_file: " + noPEM},
		"tenants":                      {ForeignIssuer{URL: url + "/{tenant}/v2", Tenants: []string{"acme", "g.1-o_B"}}, ""},
		"tenants nowhere":              {ForeignIssuer{URL: url, Tenants: []string{"acme"}}, "0 times"},
		"tenants twice":                {ForeignIssuer{URL: url + "/{tenant}/{tenant}", Tenants: []string{"acme"}}, "2 times"},
		"no tenants":                   {ForeignIssuer{URL: url + "/{tenant}"}, "list them all"},
		"a tenant twice":               {ForeignIssuer{URL: url + "/{tenant}", Tenants: []string{"acme", "acme"}}, "acme is there twice"},
		"a tenant with a slash":        {ForeignIssuer{URL: url + "/{tenant}", Tenants: []string{"acme/x"}}, "no name"},
		"a tenant of dots":             {ForeignIssuer{URL: url + "/{tenant}", Tenants: []string{".."}}, "no name"},
		"a tenant of nothing":          {ForeignIssuer{URL: url + "/{tenant}", Tenants: []string{""}}, "no name"},
		"a tenant in a placeholder":    {ForeignIssuer{URL: url + "/{tenant}", Tenants: []string{"{env.HOME}"}}, "no name"},
		"opaque tokens of tenants":     {ForeignIssuer{URL: url + "/{tenant}", Tenants: []string{"a", "b"}, Introspection: client(IssuerIntrospection{})}, "which tenant"},
		"all of introspection":         {ForeignIssuer{URL: url, Introspection: client(IssuerIntrospection{MissingAudience: "allow"})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.issuer.provision("corp")
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
		MaxTokenAge: caddy.Duration(4 * time.Hour), AllowPrivate: []string{"10.1.2.3/16"},
		Timeout: caddy.Duration(time.Second), JWKS: &IssuerKeys{Refresh: caddy.Duration(time.Minute), MaxStale: caddy.Duration(time.Hour)},
		Introspection: &IssuerIntrospection{
			ClientID: "gateway", ClientSecret: "{env.GATEWAY_SECRET}",
			Cache: caddy.Duration(30 * time.Second), NegativeCache: caddy.Duration(2 * time.Second), MissingAudience: "refuse",
		},
	}
	if err := i.provision("corp"); err != nil {
		t.Fatal(err)
	}
	f := i.foreigns[0]
	if f.URL != "https://idp.example.com" || f.Validate != "introspect" || len(f.Algorithms) != 1 || f.TokenType != "strict" ||
		f.Timeout != time.Second || f.Refresh != time.Minute || f.MaxStale != time.Hour ||
		f.ClientID != "gateway" || f.ClientSecret.Reveal() != "s3cret" || f.CacheTTL != 30*time.Second ||
		f.NegativeTTL != 2*time.Second || !f.RequireAudience || f.Name != "corp" || f.MaxTokenAge != 4*time.Hour ||
		f.JWKSURI != "" || len(f.AllowPrivate) != 1 || f.AllowPrivate[0].String() != "10.1.0.0/16" {
		t.Errorf("settings are %+v", f)
	}
	least := &ForeignIssuer{URL: "https://idp.example.com", Introspection: &IssuerIntrospection{ClientID: "a", ClientSecret: "b"}}
	if err := least.provision("corp"); err != nil {
		t.Fatal(err)
	}
	if f := least.foreigns[0]; f.CacheTTL != time.Minute || f.NegativeTTL != 5*time.Second || !f.RequireAudience {
		t.Errorf("defaults of introspection are %+v", f)
	}
}

func TestAnIssuerIsCalledByItsNameOrItsURL(t *testing.T) {
	corp := &ForeignIssuer{URL: "https://idp.example.com"}
	if err := corp.provision("corp"); err != nil {
		t.Fatal(err)
	}
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

func TestEachTenantIsAnIssuerOfItsOwn(t *testing.T) {
	i := &ForeignIssuer{
		URL: "https://{tenant}.example.com/oauth2", JWKSURI: "https://keys.example.com/{tenant}/{tenant}.json",
		Tenants: []string{"acme", "globex"},
	}
	if err := i.provision("corp"); err != nil {
		t.Fatal(err)
	}
	if len(i.foreigns) != 2 {
		t.Fatalf("%d issuers", len(i.foreigns))
	}
	for n, name := range i.Tenants {
		f := i.foreigns[n]
		if f.URL != "https://"+name+".example.com/oauth2" || f.JWKSURI != "https://keys.example.com/"+name+"/"+name+".json" || f.Name != "corp" {
			t.Errorf("settings of %s are %+v", name, f)
		}
	}
	app := &App{Issuers: map[string]*ForeignIssuer{"corp": i}}
	if _, err := app.issuerSettings("https://globex.example.com/oauth2"); err == nil || !strings.Contains(err.Error(), "under the name corp") {
		t.Errorf("a tenant called by its URL: %v", err)
	}
}
