package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/importer"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/realmfile"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// importPlan decides about a whole document before anything of it is stored.
type importPlan struct {
	c       clientsOf
	now     time.Time
	replace bool
	// grants are those that clients may list, as the realm is configured or
	// switched, or will be switched: clients keep what their realm has switched off.
	grants []string

	answer   realmImport
	clients  []plannedClient // as many as the answer has
	switches *store.Switches // nil is nothing to do
	consents []store.Consent
	// failed says that something could not be stored.
	failed bool
}

// plannedClient is how a client will be stored.
type plannedClient struct {
	incomingClient
	before *store.StoredClient
}

// decide checks all of a document. An error is one of the store.
func (p *importPlan) decide(ctx context.Context, in *incomingRealm) error {
	p.answer.Notes = in.notes
	if in.issuer != "" && in.issuer != p.c.realm.Issuer {
		p.note("issuer", fmt.Sprintf("was %.200q and is %q here: clients and gateways must be told", in.issuer, p.c.realm.Issuer))
	}
	p.decideSwitches(in.switches)
	count := map[string]int{}
	for i := range in.clients {
		count[in.clients[i].id]++
	}
	for i := range in.clients {
		planned := plannedClient{incomingClient: in.clients[i]}
		answer := importedClient{ID: shortID(planned.id)}
		refused := planned.fault
		if refused == nil && count[planned.id] > 1 {
			refused = fmt.Errorf("stands in the document %d times", count[planned.id])
		}
		var err error
		if refused == nil {
			refused, err = p.decideClient(ctx, &planned, &answer)
		}
		if err != nil {
			return err
		}
		if refused != nil {
			answer.importedPart = p.refuse(refused)
		}
		p.clients, p.answer.Clients = append(p.clients, planned), append(p.answer.Clients, answer)
	}
	p.decideConsents(in.consents)
	return nil
}

func (p *importPlan) refuse(reason error) importedPart {
	p.answer.Refused++
	return importedPart{Action: importRefused, Reason: reason.Error()}
}

func (p *importPlan) note(setting, text string) {
	p.answer.Notes = append(p.answer.Notes, importer.Note{Setting: setting, Text: text})
}

// decideClient says what to do with a client, or why it is refused.
func (p *importPlan) decideClient(ctx context.Context, planned *plannedClient, answer *importedClient) (refused, err error) {
	row, err := p.c.Get(ctx, p.c.realm.Name, planned.id)
	answer.Action = importCreated
	switch {
	case err == nil:
		planned.before, answer.Action = &row, importReplaced
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	keeps, err := planned.keepsSecrets(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case keeps && sameRegistration(row.Registration, &planned.written):
		answer.Action = importUnchanged
		return nil, nil
	case p.c.realm.Configured(planned.id):
		return errors.New("stands in the configuration, too: change it there, or take it away there"), nil
	case planned.before != nil && !p.replace:
		return errors.New("is here already, and differs; replace it with replace=true (--replace)"), nil
	case p.c.realm.AccountNamed(ctx, planned.id):
		return errors.New("has the id of an account of the realm, whose subject its tokens would bear, too: it needs another id"), nil
	}
	secrets := len(planned.secrets)
	switch {
	case keeps:
		planned.secrets = row.Secrets
		secrets = len(row.Secrets)
	case !planned.chosen.Empty():
		secrets++
	case secrets == 0 && !planned.written.Public:
		answer.NewSecret = true
		secrets++
	}
	resolved, refused := p.c.realm.CheckClient(&planned.written, secrets, p.grants...)
	if refused == nil {
		refused = p.c.checkKeys(&resolved)
	}
	if refused != nil {
		return refused, nil
	}
	answer.Warnings = registration.Warnings(&resolved)
	if keeps || planned.chosen.Empty() {
		return nil, nil
	}
	return planned.digest(ctx, p.now)
}

// keepsSecrets says whether the client has the secrets already that it shall
// have. A document that tells none leaves those that there are.
func (c *plannedClient) keepsSecrets(ctx context.Context) (bool, error) {
	if c.before == nil {
		return false, nil
	}
	there := c.before.Secrets
	switch {
	case !c.chosen.Empty():
		digests := make([]store.SecretDigest, len(there))
		for i := range there {
			digests[i] = there[i].Digest
		}
		at := -1
		err := patiently(ctx, func() (err error) {
			at, err = hasher().VerifyAny(ctx, digests, c.chosen)
			return err
		})
		return at >= 0, err
	case len(c.secrets) > 0:
		return slices.EqualFunc(there, c.secrets, func(a, b store.StoredSecret) bool {
			return a.ID == b.ID && a.Digest == b.Digest && a.Expires.Equal(b.Expires)
		}), nil
	}
	return c.written.Public == (len(there) == 0), nil
}

// digest makes of the secret that the document tells what is kept of it.
func (c *plannedClient) digest(ctx context.Context, now time.Time) (refused, err error) {
	secret := store.StoredSecret{ID: newSecretID(), Created: now}
	err = patiently(ctx, func() (err error) {
		secret.Digest, err = registration.StoredDigest(ctx, c.chosen, hasher())
		return err
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("has a secret that %w", err), nil
	}
	c.secrets = []store.StoredSecret{secret}
	return nil, nil
}

// patiently takes a step that hashes until it is its turn. One after the other:
// an import holds one place at most of those that sign-ins share.
func patiently(ctx context.Context, step func() error) error {
	for {
		err := step()
		if !errors.Is(err, hashing.ErrBusy) {
			return err
		}
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// sameRegistration says whether a registration in the store says the same.
func sameRegistration(stored string, written *registration.Client) bool {
	var there registration.Client
	if json.Unmarshal([]byte(stored), &there) != nil {
		return false
	}
	a, errA := json.Marshal(there)
	b, errB := json.Marshal(written)
	return errA == nil && errB == nil && string(a) == string(b)
}

// decideSwitches says what to do with the switches.
func (p *importPlan) decideSwitches(in *realmfile.Switches) {
	p.grants = slices.Clone(p.c.realm.Grants)
	if in == nil {
		return
	}
	there, wanted := p.c.realm.Book.Switches(), in.Stored(p.c.realm.Name)
	bare := realmfile.SwitchesOf(there) == nil
	var part importedPart
	switch err := p.c.realm.CheckSwitches(wanted); {
	case err != nil:
		part = p.refuse(err)
	case sameSwitches(there, wanted):
		part.Action = importUnchanged
	case !bare && !p.replace:
		part = p.refuse(errors.New("the realm is switched otherwise here; switch it so with replace=true (--replace)"))
	default:
		part.Action = importReplaced
		wanted.Version = there.Version
		p.switches = &wanted
	}
	for grant, on := range wanted.Grants {
		if on && part.Action != importRefused {
			p.grants = append(p.grants, grant)
		}
	}
	p.answer.Switches = &part
}

func sameSwitches(a, b store.Switches) bool {
	same := (a.JSONAuthenticate == nil) == (b.JSONAuthenticate == nil)
	if same && a.JSONAuthenticate != nil {
		same = *a.JSONAuthenticate == *b.JSONAuthenticate
	}
	return same && a.Disabled == b.Disabled && maps.Equal(a.Grants, b.Grants)
}

// decideConsents takes the consents for clients that there will be: whoever takes
// the id of another later must not get what was agreed to for that one (CL12).
func (p *importPlan) decideConsents(in []realmfile.Consent) {
	if len(in) == 0 {
		return
	}
	there, since := map[string]bool{}, map[string]time.Time{}
	for i := range p.clients {
		there[p.clients[i].id] = p.answer.Clients[i].Action != importRefused
		if p.clients[i].before == nil {
			since[p.clients[i].id] = p.clients[i].created
		}
	}
	leftOut := map[string]int{}
	for i := range in {
		err := in[i].Check()
		if id := in[i].Client; err == nil && !there[id] && !p.c.realm.Configured(id) && !p.c.realm.Book.Has(id) {
			err = errors.New("for clients that are not here")
		}
		if err != nil {
			leftOut[err.Error()]++
			continue
		}
		consent := in[i].Stored(p.c.realm.Name, p.now)
		// The operator says that it is for this client, however old it is.
		for _, registered := range []time.Time{since[consent.ClientID], p.c.realm.Book.Created(consent.ClientID)} {
			if consent.Updated.Before(registered) {
				consent.Updated = registered
			}
		}
		p.consents = append(p.consents, consent)
	}
	p.answer.Consents = &importedConsents{Count: len(in), LeftOut: len(in) - len(p.consents)}
	for _, reason := range slices.Sorted(maps.Keys(leftOut)) {
		p.note("consents", fmt.Sprintf("%d were left out: consents %s", leftOut[reason], reason))
	}
}

// shortID is an id as a report shows it: what is none can be long.
func shortID(id string) string {
	if len(id) > 255 {
		return id[:255] + "…"
	}
	return id
}
