package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// guessWindow and guessesIn: so many codes are looked at in so long.
	guessWindow = 10 * time.Minute
	guessesIn   = 10
)

// spentGuesses counts guesses as things that are used up, so that all nodes count
// together and no two guesses take one place.
type spentGuesses struct {
	store store.Store
	realm string
	now   func() time.Time
}

// Guess implements Guesses. A place is taken before the code is looked at.
func (g spentGuesses) Guess(ctx context.Context, account store.Account, check func(context.Context) error) error {
	start := g.now().Truncate(guessWindow)
	for place := range guessesIn {
		id := sha256.Sum256(fmt.Appendf(nil, "sign-in code\x00%s\x00%s\x00%s\x00%d\x00%d", g.realm, account.Service, account.ID, start.Unix(), place))
		err := g.store.Spend(ctx, hex.EncodeToString(id[:]), start.Add(2*guessWindow))
		switch {
		case err == nil:
			return check(ctx)
		case !errors.Is(err, store.ErrExists):
			return err
		}
	}
	return ErrTooManyGuesses
}
