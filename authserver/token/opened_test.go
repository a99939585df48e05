package token_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func openTwice(t *testing.T, m *token.Minter, text oauth.Secret, want token.Access) {
	t.Helper()
	for range 2 {
		if got, err := m.OpenAccess(text, start); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("opened %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestARememberedTokenExpires(t *testing.T) {
	for _, format := range formats {
		m := newMinter()
		text, minted := mintAccess(t, m, userAccess(), format)
		openTwice(t, m, text, minted)
		if _, err := m.OpenAccess(text, minted.Expires); !errors.Is(err, token.ErrExpired) {
			t.Errorf("%s: expired: %v", format, err)
		}
		if _, err := m.OpenAccess(text, start.Add(-time.Hour)); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: by a clock that was set back: %v", format, err)
		}
		openTwice(t, m, text, minted)
	}
}

func TestARememberedTokenGoesWithItsKey(t *testing.T) {
	for _, format := range formats {
		memory := &keyMemory{}
		ring := openRing(memory, "/", oauth.ES256)
		m := token.NewMinter("/", issuer, ring)
		text, minted := mintAccess(t, m, userAccess(), format)
		openTwice(t, m, text, minted)
		for i := range memory.rows {
			if purpose := memory.rows[i].Purpose; purpose == store.KeySign || purpose == store.KeyAccess {
				memory.rows[i].State = store.KeyRetired
			}
		}
		if err := ring.Reload(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		if _, err := m.OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestARememberedTokenIsRememberedForItsRealmAlone(t *testing.T) {
	for _, format := range formats {
		m := newMinter()
		text, minted := mintAccess(t, m, userAccess(), format)
		openTwice(t, m, text, minted)
		for name, other := range map[string]*token.Minter{
			"realm":  token.NewMinter("/other", issuer, openRing(&keyMemory{}, "/other", oauth.ES256)),
			"issuer": token.NewMinter("/", issuer+"/other", ringOf()),
		} {
			if _, err := other.OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: another %s: %v", format, name, err)
			}
		}
	}
}

// More tokens than there are places: every one of them says what it says.
func TestRememberedTokensTakeEachOthersPlaces(t *testing.T) {
	m := newMinter()
	texts := make([]oauth.Secret, 6000)
	minted := make([]token.Access, len(texts))
	for i := range texts {
		texts[i], minted[i] = mintAccess(t, m, clientAccess(), oauth.FormatOpaque)
	}
	for range 2 {
		for i, text := range texts {
			if got, err := m.OpenAccess(text, start); err != nil || got.ID != minted[i].ID {
				t.Fatalf("token %d is %q, %v, want %q", i, got.ID, err, minted[i].ID)
			}
		}
	}
}
