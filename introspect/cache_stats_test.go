package introspect_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestACacheTellsHowItStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, err := introspect.NewCache(10)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cache.Close)
		at := cachedRoute(t, &realm{token: localToken(time.Now())}, cache, nil)
		for n := range 1000 {
			_, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(fmt.Sprint(ownPrefix, n))})
			if err != nil {
				t.Fatal(err)
			}
			cache.Wait()
		}
		stats := cache.Stats()
		if stats.Bytes <= 0 || stats.Bytes > stats.MaxBytes || stats.MaxBytes != 10*2048 {
			t.Errorf("%d of %d bytes", stats.Bytes, stats.MaxBytes)
		}
		if held := uint64(stats.Bytes / 512); stats.Evicted+stats.Rejected < 1000-held {
			t.Errorf("1000 tokens, of which some %d are there: %+v", held, stats)
		}
	})
}
