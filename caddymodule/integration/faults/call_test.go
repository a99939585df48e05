package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// answer is what came back of a request. It is acknowledged when it is whole.
type answer struct {
	status int
	header http.Header
	body   string
	whole  bool
}

// good says that what was asked for was done.
func (a answer) good() bool { return a.whole && a.status < http.StatusBadRequest }

// refused says that the caller's token or code is not taken.
func (a answer) refused() bool {
	return a.whole && (a.status == http.StatusBadRequest || a.status == http.StatusUnauthorized)
}

// unavailable says that the server cannot say now, as it must be said (AS61).
func (a answer) unavailable() bool {
	return a.whole && a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
}

// text gives a member of a JSON answer, "" for none.
func (a answer) text(name string) string {
	var object map[string]any
	if json.Unmarshal([]byte(a.body), &object) != nil {
		return ""
	}
	text, _ := object[name].(string)
	return text
}

func (w *world) send(r *http.Request) answer { return send(w.http, r) }

func send(client *http.Client, r *http.Request) answer {
	response, err := client.Do(r)
	if err != nil {
		return answer{}
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return answer{response.StatusCode, response.Header, string(body), err == nil}
}

// post sends a form as the client.
func (w *world) post(endpoint string, form map[string]string) answer {
	values := url.Values{}
	for name, value := range form {
		values.Set(name, value)
	}
	r, err := http.NewRequest(http.MethodPost, w.auth+"/oauth2/"+endpoint, strings.NewReader(values.Encode()))
	if err != nil {
		return answer{}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(clientSecret))
	return w.send(r)
}

func (w *world) token(form map[string]string) answer { return w.post("access_token", form) }

func (w *world) exchange(code string) answer {
	return w.token(map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": redirectURI})
}

func (w *world) credentials() answer {
	return w.token(map[string]string{"grant_type": "client_credentials", "scope": "write"})
}

func (w *world) refresh(token string) answer {
	return w.token(map[string]string{"grant_type": "refresh_token", "refresh_token": token})
}

func (w *world) revoke(token string) answer {
	return w.post("token/revoke", map[string]string{"token": token})
}

// get asks with an access token.
func (w *world) get(address, token string) answer {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return answer{}
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return w.send(r)
}

// health is what a load balancer is told.
func (w *world) health(check string) answer { return w.get(w.auth+"/"+check, "") }

// callAPI is a request that the gateway judges.
func (w *world) callAPI(token string) answer { return w.get(w.api, token) }

func (w *world) userInfo(token string) answer { return w.get(w.auth+"/oauth2/userinfo", token) }

// signIn starts a session.
func (w *world) signIn() answer {
	r, err := http.NewRequest(http.MethodPost, w.auth+"/json/realms/root/authenticate", nil)
	if err != nil {
		return answer{}
	}
	r.Header.Set("X-OpenAM-Username", username)
	r.Header.Set("X-OpenAM-Password", password)
	return w.send(r)
}

// authorize asks for a code with a session. Without one it ends at the login
// page, with "" for the code.
func (w *world) authorize(session string) (a answer, code string) {
	form := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI},
		"scope": {"openid write"}, "state": {"s"}, "csrf": {session}, "decision": {"allow"},
	}
	r, err := http.NewRequest(http.MethodPost, w.auth+"/oauth2/authorize", strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "iPlanetDirectoryPro", Value: session})
	a = w.send(r)
	location, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(location.String(), redirectURI) {
		return a, ""
	}
	return a, location.Query().Get("code")
}

// isTrue says whether a member of a JSON answer is true.
func (a answer) isTrue(name string) bool {
	var object map[string]any
	return json.Unmarshal([]byte(a.body), &object) == nil && object[name] == true
}
