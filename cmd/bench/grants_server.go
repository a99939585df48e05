package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	grantRedirect = "https://app.bench/callback"
	grantClient   = "bench"
	grantSecret   = "bench-secret"
	// opaqueClient gets opaque access tokens.
	opaqueClient = "bench-opaque"
)

// server is an authorization server with one user, who is signed in.
type server struct {
	issuer  string
	port    int
	pid     int
	session string
	client  *http.Client
	stop    func()
	// ready is how long after its start the user was signed in.
	ready time.Duration
}

// restartServer starts one where another has made its keys and ended, so that ready
// is what a restart takes.
func restartServer(ctx context.Context, storage string) (*server, error) {
	first, err := startServer(ctx, storage)
	if err != nil {
		return nil, err
	}
	first.stop()
	return startServer(ctx, storage)
}

// startServer starts one on a storage, as the Caddyfile names it.
func startServer(ctx context.Context, storage string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "caddy-oauth2-bench-")
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.DefaultCost)
	if err != nil {
		return nil, err
	}
	users := filepath.Join(dir, "users.yaml")
	if err := os.WriteFile(users, fmt.Appendf(nil, "users:\n  alice:\n    password: %q\n", hash), 0o600); err != nil {
		return nil, err
	}
	began := now()
	end, pid, err := startCaddy(ctx, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1
	oauth2 {
		storage %s
		encryption_key MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
		realm / {
			issuer http://localhost:%d/oauth2
			authentication file file %s
			json_authenticate
			access_token {
				lifetime 6h
			}
			client %s {
				secret %s
				redirect_uri %s
				grants authorization_code refresh_token client_credentials
				scopes openid read
				pkce optional
				skip_consent
				id_token {
					algorithm ES256
				}
			}
			client %s {
				secret %s
				grants client_credentials
				scopes read
				access_token {
					format opaque
				}
			}
		}
	}
}
http://localhost:%d {
	oauth2_server
}
`, storage, port, users, grantClient, grantSecret, grantRedirect, opaqueClient, grantSecret, port))
	if err != nil {
		return nil, err
	}
	s := &server{issuer: fmt.Sprintf("http://localhost:%d/oauth2", port), port: port, pid: pid, client: newClient()}
	// Redirects are answers here.
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.stop = func() {
		end()
		_ = os.RemoveAll(dir)
	}
	if err := s.signIn(ctx); err != nil {
		s.stop()
		return nil, err
	}
	s.ready = now().Sub(began)
	return s, nil
}

// answer is a response that has been read.
type answer struct {
	status   int
	location string
	body     []byte
}

func (s *server) post(ctx context.Context, path string, form url.Values, headers map[string]string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Location"), body}, err
}

func (s *server) signIn(ctx context.Context) error {
	path := strings.TrimSuffix(s.issuer, "/oauth2") + "/json/realms/root/authenticate"
	got, err := s.post(ctx, path, nil, map[string]string{
		"Content-Type": "application/json", "X-OpenAM-Username": "alice", "X-OpenAM-Password": "password",
		"Accept-API-Version": "resource=2.0, protocol=1.0",
	})
	if err != nil {
		return err
	}
	var session struct {
		Token string `json:"tokenId"`
	}
	if err := json.Unmarshal(got.body, &session); err != nil || session.Token == "" {
		return fmt.Errorf("signing in: %d: %s", got.status, got.body)
	}
	s.session = session.Token
	return nil
}

// code lets the user allow the client, which is not measured.
func (s *server) code(ctx context.Context, scope string) (string, error) {
	got, err := s.post(ctx, s.issuer+"/authorize", url.Values{
		"response_type": {"code"}, "client_id": {grantClient}, "redirect_uri": {grantRedirect}, "scope": {scope},
		"state": {"state"}, "csrf": {s.session}, "decision": {"allow"},
	}, map[string]string{"Cookie": "iPlanetDirectoryPro=" + s.session})
	if err != nil {
		return "", err
	}
	to, err := url.Parse(got.location)
	if err != nil || to.Query().Get("code") == "" {
		return "", fmt.Errorf("authorize answered %d: %s", got.status, got.body)
	}
	return to.Query().Get("code"), nil
}

// token asks the token endpoint as the client, and gives the tokens of the answer.
func (s *server) token(ctx context.Context, form map[string]string) (access, refresh string, err error) {
	values := url.Values{"client_id": {grantClient}, "client_secret": {grantSecret}}
	for name, value := range form {
		values.Set(name, value)
	}
	got, err := s.post(ctx, s.issuer+"/access_token", values, nil)
	if err != nil {
		return "", "", err
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if got.status != http.StatusOK {
		return "", "", fmt.Errorf("the token endpoint answered %d: %s", got.status, got.body)
	}
	if err := json.Unmarshal(got.body, &tokens); err != nil {
		return "", "", err
	}
	if tokens.Access == "" || tokens.Refresh == "" && form["grant_type"] != "client_credentials" {
		return "", "", errors.New("the token endpoint gave no token")
	}
	return tokens.Access, tokens.Refresh, nil
}
