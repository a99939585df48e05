package login_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// member is a service that says the same of everybody.
type member struct {
	name  string
	err   error
	asked *[]string
}

func (m member) Account(context.Context, string) (login.Account, error) {
	return login.Account{}, login.ErrNoAccount
}

func (m member) Authenticate(_ context.Context, username string, _ oauth.Secret) (login.Account, error) {
	*m.asked = append(*m.asked, m.name)
	if m.err != nil {
		return login.Account{}, m.err
	}
	return login.Account{Account: store.Account{Service: m.name, ID: username}}, nil
}

// redirects is a service that takes no passwords.
type redirects struct{ login.Service }

func chainOf(t *testing.T, name string, links ...login.Link) *login.Chain {
	t.Helper()
	chain, err := login.NewChain(name, links)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

func sufficient(name string) login.Link {
	return login.Link{Criterion: login.Sufficient, Service: name}
}
func required(name string) login.Link { return login.Link{Criterion: login.Required, Service: name} }

func TestChainAsksItsServicesInOrder(t *testing.T) {
	away := errors.New("the directory is away")
	wrong := &login.Refused{Account: store.Account{Service: "corp", ID: "demo"}, Reason: login.WrongPassword}
	for _, test := range []struct {
		name        string
		corp, staff error
		asked       string
		service     string
		err         error
	}{
		{"the sufficient one knows", nil, nil, "corp", "corp", nil},
		{"the required one knows", login.ErrCredentials, nil, "corp staff", "staff", nil},
		{"nobody knows", login.ErrCredentials, login.ErrCredentials, "corp staff", "", login.ErrCredentials},
		{"wrong in one of them", wrong, login.ErrCredentials, "corp staff", "", wrong},
		{"an account that ended", login.ErrNoAccount, login.ErrCredentials, "corp staff", "", login.ErrCredentials},
		{"away, and known to the other", away, nil, "corp staff", "staff", nil},
		{"away, and not known to the other", away, login.ErrCredentials, "corp staff", "", away},
		{"the required one is away", login.ErrCredentials, away, "corp staff", "", away},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			services := map[string]login.Service{
				"corp": member{"corp", test.corp, &asked}, "staff": member{"staff", test.staff, &asked},
			}
			chain := chainOf(t, "ldapService", sufficient("corp"), required("staff"))
			bound := chain.Bind("ldapService", login.Binding{Service: func(name string) (login.Service, bool) {
				service, ok := services[name]
				return service, ok
			}}).(login.Passwords)
			account, err := bound.Authenticate(t.Context(), "demo", oauth.NewSecret("x"))
			if !errors.Is(err, test.err) || account.Service != test.service {
				t.Errorf("service %q, error %v", account.Service, err)
			}
			if errors.Is(test.err, away) == errors.Is(err, login.ErrCredentials) && err != nil {
				t.Errorf("a fault and a refusal are mixed up: %v", err)
			}
			if got := strings.Join(asked, " "); got != test.asked {
				t.Errorf("asked %s, want %s", got, test.asked)
			}
		})
	}
}

func TestChainThatIsBoundNowhereIsAFault(t *testing.T) {
	_, err := chainOf(t, "c", required("staff")).Authenticate(t.Context(), "demo", oauth.NewSecret("x"))
	if err == nil || errors.Is(err, login.ErrCredentials) {
		t.Errorf("got %v", err)
	}
}

func TestChainsThatCannotWork(t *testing.T) {
	var asked []string
	services := map[string]login.Service{
		"staff": member{"staff", nil, &asked},
		"idp":   redirects{},
		"self":  chainOf(t, "self", required("self")),
		"a":     chainOf(t, "a", sufficient("staff"), required("b")),
		"b":     chainOf(t, "b", required("a")),
		"good":  chainOf(t, "good", sufficient("staff")),
		"above": chainOf(t, "above", required("good"), required("staff")),
	}
	for _, test := range []struct {
		link login.Link
		says []string
	}{
		{required("nobody"), []string{"chain c", "required nobody", "no authentication service"}},
		{sufficient("idp"), []string{"chain c", "sufficient idp", "more than a username and a password"}},
		{required("self"), []string{"chain self", "required self", "c, self, self"}},
		{required("a"), []string{"leads back", "c, a, b, a"}},
		{required("above"), nil},
	} {
		err := chainOf(t, "c", test.link).Check(services)
		if len(test.says) == 0 {
			if err != nil {
				t.Errorf("%v: %v", test.link, err)
			}
			continue
		}
		for _, text := range test.says {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%v: error does not say %q: %v", test.link, text, err)
			}
		}
	}
	for _, links := range [][]login.Link{nil, {{Criterion: "binding", Service: "staff"}}, {sufficient("staff"), required("staff")}} {
		if _, err := login.NewChain("c", links); err == nil {
			t.Errorf("%v is a chain", links)
		}
	}
}
