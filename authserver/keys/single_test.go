package keys_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestASingleKeyIsMadeOnceAndOpensWithItsWrapperOnly(t *testing.T) {
	st := &memory{}
	first, err := keys.OpenSingle(context.Background(), st, wrapperOf(t, 1), store.KeyNonce, start)
	if err != nil || len(first.Key) != 32 {
		t.Fatalf("%d bytes, %v", len(first.Key), err)
	}
	again, err := keys.OpenSingle(context.Background(), st, wrapperOf(t, 1), store.KeyNonce, start)
	if err != nil || !bytes.Equal(first.Key, again.Key) || len(st.rows) != 1 {
		t.Errorf("another key the second time: %v", err)
	}
	if bytes.Contains(st.rows[0].Wrapped, first.Key) {
		t.Error("the store has the key as it is")
	}
	if _, err := keys.OpenSingle(context.Background(), st, wrapperOf(t, 2), store.KeyNonce, start); err == nil {
		t.Error("another wrapper opens it")
	}
}

// failing cannot store keys.
type failing struct{ store.Store }

func (failing) CreateKey(context.Context, store.Key) (store.Key, error) {
	return store.Key{}, errors.New("disk full")
}

func TestASingleKeyThatCannotBeStoredIsNotUsed(t *testing.T) {
	if secret, err := keys.OpenSingle(context.Background(), failing{}, wrapperOf(t, 1), store.KeyNonce, start); err == nil || secret.Key != nil {
		t.Error("a key that no other node has is used")
	}
}
