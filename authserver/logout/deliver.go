package logout

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// OpenID Connect Back-Channel Logout §2.5 and §2.8

const (
	// callTimeout bounds one call.
	callTimeout = 5 * time.Second
	// maxAnswer is how much of an answer is read, for the connection to be used
	// again. It says nothing to us.
	maxAnswer = 4 << 10
)

// refusal is an answer that is not the 200 of a client that has understood.
type refusal struct{ status int }

func (r *refusal) Error() string {
	return fmt.Sprintf("it answered %d to its backchannel_logout_uri", r.status)
}

// unanswered says whether a call brought no answer at all.
func unanswered(err error) bool {
	var refused *refusal
	return err != nil && !errors.As(err, &refused)
}

// call tells a client of one session.
func (n *Notifier) call(ctx context.Context, in served, client *store.Client, notice store.Logout) error {
	logout, err := in.realm.Tokens.MintLogout(token.LogoutToken{
		ClientID: client.ID, Subject: notice.Subject, SessionID: notice.SessionID, IssuedAt: n.now(),
	}, client.IDTokenAlgorithm)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body := strings.NewReader(url.Values{"logout_token": {logout.Reveal()}}.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, client.LogoutURI, body)
	if err != nil {
		return errors.New("its backchannel_logout_uri cannot be called")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept-Encoding", "identity")
	response, err := in.client.Do(request)
	if err != nil {
		return explain(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	// Some frameworks make 204 of an empty answer (§2.8).
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return &refusal{response.StatusCode}
	}
	return nil
}

// explain says in our own words why a call got no answer.
func explain(err error) error {
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) {
		return errors.New("nobody whom the system trusts vouches for the certificate of its backchannel_logout_uri")
	}
	return outbound.Fault(err)
}

// Client makes the client that calls where a guard lets it.
func Client(guard outbound.Guard) *http.Client {
	client, _ := outbound.NewClient(guard, nil, 2)
	return client
}

// advice says how to mend what an operator can.
func advice(address netip.Prefix) string {
	return ": if the backchannel_logout_uri of a client belongs there, add the line `logout_allow_private " + address.String() + "` to the realm"
}
