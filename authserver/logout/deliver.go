package logout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		return explain(outbound.Cause(err))
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	// Some frameworks make 204 of an empty answer (§2.8).
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return &refusal{response.StatusCode}
	}
	return nil
}

// explain says how to mend what an operator can.
func explain(err error) error {
	var private *outbound.PrivateError
	if errors.As(err, &private) {
		return fmt.Errorf("its backchannel_logout_uri leads to a private address: if it belongs there, add the line `logout_allow_private %s` to the realm: %w",
			private.Prefix(), private)
	}
	return err
}
