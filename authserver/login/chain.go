package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Link is one service of a Chain.
type Link struct {
	Criterion Criterion
	Service   string
}

func (l Link) String() string { return string(l.Criterion) + " " + l.Service }

// Chain asks other services of its realm in order. It has no accounts of its own:
// whoever signs in has the account of the service that decided.
type Chain struct {
	name  string
	links []Link
	to    Binding
}

// NewChain makes a chain. Check says whether it can work in a realm, Bind makes
// the one that does.
func NewChain(name string, links []Link) (*Chain, error) {
	if len(links) == 0 {
		return nil, errors.New("a chain needs a service, such as: sufficient NAME")
	}
	for i, link := range links {
		if !slices.Contains(Criteria, link.Criterion) {
			return nil, fmt.Errorf("%q is no criterion; there are %v", link.Criterion, Criteria)
		}
		if slices.ContainsFunc(links[:i], func(other Link) bool { return other.Service == link.Service }) {
			return nil, fmt.Errorf("%s: the chain has the service twice", link)
		}
	}
	return &Chain{name: name, links: slices.Clone(links)}, nil
}

// Check says what keeps the chain from working among the services of a realm: each
// member exists, takes passwords, and does not lead back here.
func (c *Chain) Check(services map[string]Service) error {
	return c.check(services, []string{c.name})
}

func (c *Chain) check(services map[string]Service, above []string) error {
	for _, link := range c.links {
		service, ok := services[link.Service]
		if !ok {
			return fmt.Errorf("chain %s: %s: there is no authentication service of that name in the realm", c.name, link)
		}
		if _, ok := service.(Passwords); !ok {
			return fmt.Errorf("chain %s: %s: the service needs more than a username and a password, so it cannot be in a chain", c.name, link)
		}
		path := append(slices.Clone(above), link.Service)
		if slices.Contains(above, link.Service) {
			return fmt.Errorf("chain %s: %s: the chain leads back to itself: %s", c.name, link, strings.Join(path, ", "))
		}
		if inner, ok := service.(*Chain); ok {
			if err := inner.check(services, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// Bind implements Bound.
func (c *Chain) Bind(name string, to Binding) Service {
	return &Chain{name: name, links: c.links, to: to}
}

// Account implements Service. Accounts are those of the members.
func (*Chain) Account(context.Context, string) (Account, error) { return Account{}, ErrNoAccount }

// Authenticate asks one member after another until it is settled who signs in, or
// that nobody does. A member that cannot answer has not said no: when its answer
// could have changed the outcome, the outcome is its error.
func (c *Chain) Authenticate(ctx context.Context, username string, password oauth.Secret) (Account, error) {
	criteria := make([]Criterion, len(c.links))
	for i, link := range c.links {
		criteria[i] = link.Criterion
	}
	var (
		said     []verdict
		accounts []Account
		faults   []error
		refusal  = ErrCredentials
	)
	for {
		switch outcome, member := settle(criteria, said); outcome {
		case granted:
			return accounts[member], nil
		case refused:
			return Account{}, refusal
		case faulted:
			return Account{}, fmt.Errorf("chain %s: %s: %w", c.name, c.links[member], faults[member])
		}
		account, err := c.ask(ctx, c.links[len(said)].Service, username, password)
		verdict := yes
		switch known := (*Refused)(nil); {
		case errors.Is(err, ErrCredentials), errors.Is(err, ErrNoAccount):
			verdict = no
			// The log names the first account that there is.
			if errors.As(err, &known) && refusal == ErrCredentials { //nolint:errorlint // it is ours until it is replaced
				refusal = known
			}
		case err != nil:
			verdict = unknown
		}
		said, accounts, faults = append(said, verdict), append(accounts, account), append(faults, err)
	}
}

func (c *Chain) ask(ctx context.Context, name, username string, password oauth.Secret) (Account, error) {
	if c.to.Service == nil {
		return Account{}, errors.New("the chain is bound to no realm")
	}
	service, _ := c.to.Service(name)
	member, ok := service.(Passwords)
	if !ok {
		return Account{}, errors.New("the service takes no passwords")
	}
	return member.Authenticate(ctx, username, password)
}
