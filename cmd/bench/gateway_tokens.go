package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tokenSubject is whom the tokens are of.
const tokenSubject = "248289761001"

// claims are those of an ordinary token: about 850 bytes with header and
// signature.
func (g *gateways) claims(lifetime time.Duration) map[string]any {
	issued := now().Add(min(0, lifetime-time.Hour))
	return map[string]any{
		"iss": g.from.url, "sub": tokenSubject, "aud": []string{keysAudience}, "client_id": "shop-frontend", "scope": "openid profile read write",
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": now().Add(lifetime).Unix(), "auth_time": issued.Unix(),
		"jti": rand.Text(), "sid": rand.Text(), "acr": "urn:example:loa:2", "amr": []string{"pwd", "otp"},
		"name": "Jane Doe", "email": "jane.doe@example.com", "preferred_username": "jane",
		"realm_access": map[string]any{"roles": []string{"customer", "newsletter", "beta"}},
	}
}

// sign makes a token as fast as it goes: new ones are needed by the ten thousand.
func (g *gateways) sign(kid string, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"`+kid+`"}`)) + "." + encode(payload)
	key, err := g.privateKey()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature[:]), nil
}

func (g *gateways) privateKey() (*ecdsa.PrivateKey, error) {
	key := new(ecdsa.PrivateKey)
	return key, g.from.key.Raw(key)
}

func (g *gateways) tokens(count int) ([]string, error) {
	tokens := make([]string, count)
	for i := range tokens {
		var err error
		if tokens[i], err = g.sign("key", g.claims(6*time.Hour)); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// perRound is how many new tokens one round has: more than a round uses up.
var perRound = 60_000

// alwaysNew lets no request have a token that another had.
func (g *gateways) alwaysNew(c *contender) {
	var stock *supply
	c.prepare = func() error {
		tokens, err := g.tokens(perRound)
		stock = newSupply(gets(tokens), told(tokenSubject))
		return err
	}
	c.calls = func(int) caller { return stock }
}

type refusedTokens struct {
	name   string
	tokens []string
}

// refusedTokens are many of each kind: what is refused is remembered nowhere, but
// nobody shall have to believe that.
func (g *gateways) refusedTokens() ([]refusedTokens, error) {
	const count = 1000
	kinds := []refusedTokens{{"expired", nil}, {"bad signature", nil}, {"unknown kid", nil}, {"no token", []string{""}}}
	for range count {
		expired, err := g.sign("key", g.claims(-time.Hour))
		if err != nil {
			return nil, err
		}
		good, err := g.sign("key", g.claims(6*time.Hour))
		if err != nil {
			return nil, err
		}
		other, err := g.sign("key", g.claims(6*time.Hour))
		if err != nil {
			return nil, err
		}
		unknown, err := g.sign("unknown", g.claims(6*time.Hour))
		if err != nil {
			return nil, err
		}
		// The signature of another token is a signature, and not this one's.
		forged := good[:strings.LastIndexByte(good, '.')] + other[strings.LastIndexByte(other, '.'):]
		for i, token := range []string{expired, forged, unknown} {
			kinds[i].tokens = append(kinds[i].tokens, token)
		}
	}
	return kinds, nil
}

// ownToken lets the server in the process of a gateway give a token.
func (g *gateways) ownToken(ctx context.Context, c *contender) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"bench"}, "client_secret": {"bench-secret"}, "scope": {"read"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.address+"/oauth2/access_token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Host = "localhost"
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := newClient().Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("the server answered %d without a token: %s", response.StatusCode, answer.Error)
	}
	return answer.Token, nil
}

// rawVerification is what verifying one signature takes, in one thread.
func (g *gateways) rawVerification(each time.Duration) (time.Duration, error) {
	key, err := g.privateKey()
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256([]byte("bench"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		return 0, err
	}
	count, began := 0, now()
	for now().Sub(began) < each {
		if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
			return 0, errors.New("a good signature is not one")
		}
		count++
	}
	return now().Sub(began) / time.Duration(count), nil
}
