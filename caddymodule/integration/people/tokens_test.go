package people

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// tokens are what the shop has got for a code.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// redeem is what the shop does with the code that a tab brought.
func (w *world) redeem(b *tab) tokens {
	b.t.Helper()
	got, status := w.grant(url.Values{
		"grant_type": {"authorization_code"}, "code": {w.answered(b).Get("code")},
		"redirect_uri": {w.app + "/callback"}, "code_verifier": {verifier},
	})
	if status != http.StatusOK {
		b.t.Fatalf("the code is answered with %d", status)
	}
	return got
}

// refreshed says how a refresh is answered.
func (w *world) refreshed(got tokens) int {
	w.t.Helper()
	_, status := w.grant(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}})
	return status
}

func (w *world) grant(values url.Values) (tokens, int) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.issuer+"/access_token", strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("shop", "shop-secret")
	var got tokens
	status := w.answer(req, &got)
	return got, status
}

// called says how the API answers a token.
func (w *world) called(got tokens) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.api, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+got.Access)
	return w.answer(req, nil)
}

// answer sends a request, and reads the JSON of the answer.
func (w *world) answer(req *http.Request, into any) int {
	w.t.Helper()
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if into != nil {
		if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
			w.t.Fatal(err)
		}
	}
	return answer.StatusCode
}
