package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestRS35_TheTokenAmongTheSubprotocols(t *testing.T) {
	for offer, want := range map[string]struct {
		credentials []string
		left        []string
		offered     bool
	}{
		"":                            {},
		"chat":                        {left: []string{"chat"}},
		"chat, superchat":             {left: []string{"chat, superchat"}},
		"bearer, tok.en":              {[]string{"Bearer tok.en"}, nil, true},
		"bearer,tok.en,chat":          {[]string{"Bearer tok.en"}, []string{"chat"}, true},
		"v2, bearer ,\ttok.en , chat": {[]string{"Bearer tok.en"}, []string{"v2, chat"}, true},
		"bearer|tok.en|chat":          {[]string{"Bearer tok.en"}, []string{"chat"}, true}, // a line each
		// Subprotocols are compared byte by byte.
		"Bearer, tok.en": {left: []string{"Bearer, tok.en"}},
		// Bad ones, which must not pass for none.
		"bearer":                      {[]string{"Bearer"}, nil, true},
		"chat, bearer":                {[]string{"Bearer"}, []string{"chat"}, true},
		"bearer, , chat":              {[]string{"Bearer "}, []string{"chat"}, true},
		"bearer, bearer":              {[]string{"Bearer bearer"}, nil, true},
		"bearer, a, bearer, b":        {[]string{"Bearer a", "Bearer b"}, nil, true},
		"bearer, a, bearer, b, x, y,": {[]string{"Bearer a", "Bearer b"}, []string{"x, y"}, true},
	} {
		h := http.Header{}
		if offer != "" {
			h[subprotocolHeader] = strings.Split(offer, "|")
		}
		credentials, offered := takeSubprotocolToken(h)
		if !slices.Equal(credentials, want.credentials) || offered != want.offered || !slices.Equal(h[subprotocolHeader], want.left) {
			t.Errorf("%q: %q, offered %v, %q is left", offer, credentials, offered, h[subprotocolHeader])
		}
	}
}

func TestRS35_WhatOpensAWebSocket(t *testing.T) {
	for name, c := range map[string]struct {
		method, proto, upgrade, protocol string
		major                            int
		want                             bool
	}{
		"HTTP/1.1":               {"GET", "HTTP/1.1", "WebSocket", "", 1, true},
		"HTTP/1.1 list":          {"GET", "HTTP/1.1", "tcp, websocket", "", 1, true},
		"HTTP/1.1 POST":          {"POST", "HTTP/1.1", "websocket", "", 1, false},
		"HTTP/1.1 other upgrade": {"GET", "HTTP/1.1", "tcp", "", 1, false},
		"HTTP/2":                 {"CONNECT", "HTTP/2.0", "", "websocket", 2, true},
		"HTTP/2 GET":             {"GET", "HTTP/2.0", "websocket", "websocket", 2, false},
		"HTTP/2 CONNECT":         {"CONNECT", "HTTP/2.0", "", "", 2, false},
		"HTTP/3":                 {"CONNECT", "websocket", "", "", 3, true},
	} {
		r := &http.Request{Method: c.method, Proto: c.proto, ProtoMajor: c.major, Header: http.Header{}}
		r.Header.Set("Upgrade", c.upgrade)
		if c.protocol != "" {
			r.Header[":protocol"] = []string{c.protocol}
		}
		if got := isWebSocket(r); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// RFC 6455 §4.1: a browser fails when none of what it offered is selected.
func TestTheSubprotocolIsSelectedWhenTheUpstreamSelectsNone(t *testing.T) {
	for name, test := range map[string]struct {
		status   int
		selected http.Header
		want     string
	}{
		"none":              {101, http.Header{}, "bearer"},
		"one":               {101, http.Header{"Sec-Websocket-Protocol": {"chat"}}, "chat"},
		"one, as of Caddy":  {101, http.Header{"Sec-WebSocket-Protocol": {"chat"}}, "chat"},
		"extended CONNECT":  {200, http.Header{}, "bearer"},
		"refused":           {403, http.Header{}, ""},
		"refused elsewhere": {502, http.Header{}, ""},
	} {
		recorder := httptest.NewRecorder()
		for name, values := range test.selected {
			recorder.Header()[name] = values
		}
		w := &subprotocolWriter{caddyhttp.ResponseWriterWrapper{ResponseWriter: recorder}}
		w.WriteHeader(test.status)
		var got []string
		for _, values := range recorder.Header() {
			got = append(got, values...)
		}
		if strings.Join(got, ",") != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func FuzzSubprotocolToken(f *testing.F) {
	for _, offer := range []string{"bearer, a.b.c, chat", "bearer", "chat", ",,bearer,,", "bearer, bearer, bearer"} {
		f.Add(offer)
	}
	f.Fuzz(func(t *testing.T, offer string) {
		h := http.Header{subprotocolHeader: {offer}}
		credentials, offered := takeSubprotocolToken(h)
		if offered != (len(credentials) > 0) {
			t.Errorf("offered %v with %q", offered, credentials)
		}
		if !offered {
			if got := h[subprotocolHeader]; len(got) != 1 || got[0] != offer {
				t.Errorf("%q became %q without a token in it", offer, got)
			}
			return
		}
		// What is left offers none, so that no token gets to the upstream.
		if again, offered := takeSubprotocolToken(h); offered {
			t.Errorf("%q offers %q twice", offer, again)
		}
		token, present, err := oauth.BearerCredentials(credentials, "")
		if !present || err == nil && token.Empty() {
			t.Errorf("%q counts as no token", offer)
		}
	})
}
