package realm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func TestF29_AFloodOfFaultsIsOneLineASecond(t *testing.T) {
	var logged bytes.Buffer
	now := time.Unix(1_900_000_000, 0)
	r := realm.New(good(), realm.Parts{
		Log: slog.New(slog.NewTextHandler(&logged, nil)), Now: func() time.Time { return now },
	})
	lines := func() int { return strings.Count(logged.String(), "\n") }
	for range 1000 {
		r.Fault(t.Context(), "access_token", errors.New("store is gone"))
	}
	if lines() != 100 {
		t.Errorf("%d lines of 1000 faults in a moment, want 100", lines())
	}
	now = now.Add(2 * time.Second)
	for range 10 {
		r.Fault(t.Context(), "access_token", errors.New("store is gone"))
	}
	if lines() != 102 || !strings.Contains(logged.String(), "not_logged=900") {
		t.Errorf("%d lines after two seconds, want 102; %q", lines(), logged.String()[logged.Len()-200:])
	}
	before := lines()
	now = now.Add(time.Hour)
	r.Fault(t.Context(), "access_token", oauth.InvalidGrant())
	r.Fault(t.Context(), "access_token", context.Canceled)
	if lines() != before {
		t.Error("a caller's fault is logged")
	}
}
