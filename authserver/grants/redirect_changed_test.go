package grants_test

import (
	"net/http"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// CL11: a reload that takes a redirect URI away takes the codes that were sent
// there, too.
func TestCL11_ACodeThatWasSentToAFormerRedirectURIIsNotGood(t *testing.T) {
	w := newWorld(t)
	moved := w.Settings("/", w.Realm.Issuer)
	client("web", func(c *store.Client) { c.RedirectURIs = []string{"https://moved.example.com/callback"} })(&moved)
	before, after := w.Code(t, w.Realm, "web"), world{w.World, grants.New(w.Open(t, moved))}
	after.exchange(t, "web", before).Want(http.StatusBadRequest, "invalid_grant")
	// It was not used up: the client is the one that it was given to.
	w.exchange(t, "web", before).Want(http.StatusOK, "")
}
