package keys

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var rotationStart = time.Unix(1_900_000_000, 0)

const (
	day   = 24 * time.Hour
	every = 90 * day
)

// row is a key in a state since so long before rotationStart.
func row(id string, purpose store.KeyPurpose, state store.KeyState, ago time.Duration) store.Key {
	algorithm := algorithmHMAC
	switch purpose {
	case store.KeySign:
		algorithm = oauth.ES256
	case store.KeyAccess:
		algorithm = algorithmXC20P
	}
	return store.Key{ID: id, Purpose: purpose, Algorithm: algorithm, State: state, Since: rotationStart.Add(-ago)}
}

// What is due, and when: AS54.
func TestAS54_WhatIsDue(t *testing.T) {
	const (
		active, retiring, next, retired = store.KeyActive, store.KeyRetiring, store.KeyNext, store.KeyRetired
		sign, access, form, refresh     = store.KeySign, store.KeyAccess, store.KeyForm, store.KeyRefresh
	)
	wanted := RealmKinds(oauth.ES256)
	for name, tt := range map[string]struct {
		rows  []store.Key
		kinds []Kind
		every time.Duration
		want  string
	}{
		"nothing of a young key":                  {rows: []store.Key{row("a", sign, active, every-time.Second)}},
		"an old key is replaced":                  {rows: []store.Key{row("a", sign, active, every)}, want: "replace a"},
		"one of an algorithm without use is not":  {rows: []store.Key{row("a", sign, active, every)}, kinds: []Kind{}},
		"none where rotation is off":              {rows: []store.Key{row("a", sign, active, 10*every)}, every: -1},
		"a refresh key is not":                    {rows: []store.Key{row("a", refresh, active, 10*every)}},
		"one that has a next is not":              {rows: []store.Key{row("a", sign, active, every), row("b", sign, next, 0)}},
		"a next key waits twice the cache time":   {rows: []store.Key{row("b", sign, next, 2*CacheTime)}},
		"and for clocks that are apart":           {rows: []store.Key{row("b", sign, next, 2*CacheTime+time.Minute)}, want: "promote b"},
		"a symmetric one waits for our nodes":     {rows: []store.Key{row("b", access, next, 10*time.Second)}},
		"and for their clocks":                    {rows: []store.Key{row("b", access, next, 70*time.Second)}, want: "promote b"},
		"a next key of any purpose is promoted":   {rows: []store.Key{row("b", refresh, next, 70*time.Second)}, every: -1, want: "promote b"},
		"a retiring key stays a day":              {rows: []store.Key{row("a", sign, retiring, store.MaxAccessTokenLifetime)}},
		"and an hour":                             {rows: []store.Key{row("a", form, retiring, 25*time.Hour)}, want: "retire a"},
		"a retiring refresh key stays":            {rows: []store.Key{row("a", refresh, retiring, 100*every)}},
		"a retiring factor key stays":             {rows: []store.Key{row("a", store.KeyFactor, retiring, 100*every)}},
		"and an active one is not replaced":       {rows: []store.Key{row("a", store.KeyFactor, active, 10*every)}},
		"a retired key is done":                   {rows: []store.Key{row("a", sign, retired, 100*every)}},
		"one step a kind, several kinds":          {rows: []store.Key{row("a", sign, retiring, every), row("b", sign, next, every), row("c", access, active, every)}, want: "retire a replace c"},
		"a next key of ten years ahead begins":    {rows: []store.Key{row("b", sign, next, -3650*day)}, want: "correct b"},
		"so does an active one":                   {rows: []store.Key{row("b", sign, active, -3650*day)}, want: "correct b"},
		"a retiring one rather stays":             {rows: []store.Key{row("b", sign, retiring, -3650*day)}},
		"an hour ahead is only waited for":        {rows: []store.Key{row("b", sign, next, -time.Hour)}},
		"a clock ten years back does nothing new": {rows: []store.Key{row("a", sign, active, 0), row("b", sign, retiring, -day)}},
	} {
		if tt.kinds == nil {
			tt.kinds = wanted
		}
		if tt.every == 0 {
			tt.every = every
		}
		var got []string
		for _, step := range due(plan(tt.rows, tt.kinds, tt.every), rotationStart) {
			got = append(got, string(step.Action)+" "+step.Key.ID)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %q", name, got, tt.want)
		}
	}
}

// Whatever the clock says and however often it is asked, a kind takes one step.
func TestALeapOfTheClockIsNoStorm(t *testing.T) {
	var rows []store.Key
	for _, state := range []store.KeyState{store.KeyActive, store.KeyRetiring, store.KeyRetiring, store.KeyRetiring} {
		rows = append(rows, row("k", store.KeySign, state, 0))
	}
	for _, leap := range []time.Duration{-3650 * day, -time.Hour, time.Hour, 3650 * day} {
		if steps := due(plan(rows, RealmKinds(oauth.ES256), every), rotationStart.Add(leap)); len(steps) > 1 {
			t.Errorf("after %v: %d steps", leap, len(steps))
		}
	}
}

func TestRingUsesTheLatestKeyBeforeOneThatItCannotOpen(t *testing.T) {
	rows := []store.Key{
		row("next", store.KeySign, store.KeyNext, 0), row("old", store.KeySign, store.KeyRetiring, 2*day),
		row("latest", store.KeySign, store.KeyRetiring, day), row("active", store.KeySign, store.KeyActive, 0),
	}
	slices.SortFunc(rows, byUse)
	var order []string
	for _, key := range rows {
		order = append(order, key.ID)
	}
	if want := []string{"active", "latest", "old", "next"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}
