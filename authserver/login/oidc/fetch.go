package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// statusError is an answer other than 200.
type statusError struct {
	from string
	code int
	// failure is the error code of the answer when it is one of the RFC's, else "".
	failure string
}

func (e *statusError) Error() string {
	if e.failure != "" {
		return fmt.Sprintf("%s answered %d %s", e.from, e.code, e.failure)
	}
	return fmt.Sprintf("%s answered %d", e.from, e.code)
}

// roundTrip does a request within a time and reads its answer: 200, JSON by its own
// account, not compressed, and no more than outbound.MaxBody of it. Errors are in our own
// words: an answer may quote what we sent.
func roundTrip(ctx context.Context, client *http.Client, request *http.Request, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	from := request.URL.Redacted()
	request.Header.Set("Accept", "application/json")
	// Asked for by name, identity keeps the transport from inflating by itself.
	request.Header.Set("Accept-Encoding", "identity")
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, outbound.Fault(err))
	}
	defer response.Body.Close()
	isJSON := outbound.IsMedia(response.Header, "application/json") && outbound.Plain(response.Header)
	switch {
	case response.StatusCode != http.StatusOK && !isJSON:
		return nil, &statusError{from: from, code: response.StatusCode}
	case !isJSON:
		return nil, fmt.Errorf("%s did not answer in plain JSON", from)
	}
	body, err := outbound.ReadBody(response, from)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, &statusError{from, response.StatusCode, failureOf(body)}
	}
	return body, nil
}

// failureOf reads the error code of a token endpoint (RFC 6749 §5.2).
func failureOf(body []byte) string {
	object, err := oauth.DecodeObject(body)
	if err != nil {
		return ""
	}
	switch object["error"] {
	case oauth.CodeInvalidGrant:
		return oauth.CodeInvalidGrant
	case oauth.CodeInvalidClient:
		return oauth.CodeInvalidClient
	case oauth.CodeUnauthorizedClient:
		return oauth.CodeUnauthorizedClient
	case oauth.CodeInvalidRequest:
		return oauth.CodeInvalidRequest
	}
	return ""
}

// get reads one JSON document.
func (p *provider) get(ctx context.Context, address string, token oauth.Secret) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("an address of the provider cannot be asked")
	}
	if !token.Empty() {
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return roundTrip(ctx, p.client, request, p.settings.Timeout)
}
