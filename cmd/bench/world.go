package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// now is the clock of the program: a benchmark measures real time.
func now() time.Time { return time.Now() }

// listen serves a handler on loopback until the program ends.
func listen(handler http.Handler) (address string, err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

// freePort finds a port on loopback that nobody listens on.
func freePort() (int, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// startCaddy runs this program as caddy with a Caddyfile, until stop is called.
func startCaddy(ctx context.Context, caddyfile string) (stop func(), pid int, err error) {
	home, err := os.MkdirTemp("", "caddy-oauth2-bench-")
	if err != nil {
		return nil, 0, err
	}
	path := filepath.Join(home, "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		return nil, 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, self, "run", "--adapter", "caddyfile", "--config", path)
	cmd.Env = []string{roleVariable + "=caddy", "HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home}
	output, err := cmd.StderrPipe()
	if err != nil {
		return nil, 0, err
	}
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	serving, ended := make(chan struct{}), make(chan struct{})
	var log bytes.Buffer
	go func() {
		defer close(ended)
		told := false
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if told {
				continue
			}
			log.Write(append(lines.Bytes(), '\n'))
			if strings.Contains(lines.Text(), "serving initial configuration") {
				told = true
				close(serving)
			}
		}
		_ = cmd.Wait()
	}()
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		_ = os.RemoveAll(home)
	}
	select {
	case <-serving:
		return stop, cmd.Process.Pid, nil
	case <-ended:
		return nil, 0, fmt.Errorf("caddy ended by itself:\n%s", log.String())
	case <-ctx.Done():
		stop()
		return nil, 0, ctx.Err()
	}
}

// issuer is a foreign authorization server with one key, whose key endpoint can
// be told to fail.
type issuer struct {
	url     string
	key     jwk.Key
	keys    []byte
	fault   atomic.Pointer[http.HandlerFunc]
	fetches atomic.Int64
	// introspections is how often it was asked about a token.
	introspections atomic.Int64
}

func newIssuer() (*issuer, error) {
	i := &issuer{}
	var err error
	if i.key, err = newKey("key"); err != nil {
		return nil, err
	}
	public, err := i.key.PublicKey()
	if err != nil {
		return nil, err
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		return nil, err
	}
	if i.keys, err = json.Marshal(set); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.url, i.url+"/jwks")
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		i.fetches.Add(1)
		if fault := i.fault.Load(); fault != nil {
			(*fault)(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(i.keys)
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, _ *http.Request) {
		i.introspections.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"active":true,"sub":"bench","client_id":"bench","scope":"read","aud":%q,"iss":%q,"exp":%d}`,
			keysAudience, i.url, now().Add(time.Hour).Unix())
	})
	address, err := listen(mux)
	i.url = "http://" + address
	return i, err
}

func newKey(kid string) (jwk.Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := jwk.FromRaw(private)
	if err != nil {
		return nil, err
	}
	return key, errors.Join(key.Set(jwk.KeyIDKey, kid), key.Set(jwk.AlgorithmKey, jwa.ES256))
}

// token signs an access token for audience with a key.
func (i *issuer) token(key jwk.Key, audience string) (string, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": i.url, "sub": "bench", "aud": audience, "client_id": "bench", "scope": "read",
		"iat": now().Unix(), "exp": now().Add(time.Hour).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", err
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "at+jwt"); err != nil {
		return "", err
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.ES256, key, jws.WithProtectedHeaders(headers)))
	return string(signed), err
}
