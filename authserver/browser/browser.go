package browser

import (
	"crypto/rand"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// Browser is what the pages of one realm have in common.
type Browser struct {
	realm   *realm.Realm
	origin  string
	Cookies Cookies
	Forms   Forms
}

// New makes the Browser of a realm.
func New(r *realm.Realm) *Browser {
	return &Browser{realm: r, origin: oauth.Origin(r.Issuer), Cookies: newCookies(r.Issuer), Forms: Forms{r.Keys}}
}

// ReadForm reads the body of a form of ours. It refuses one that another site
// posted (PG3).
func (b *Browser) ReadForm(req *http.Request) (oauth.Form, error) {
	if err := b.CheckOrigin(req); err != nil {
		return oauth.Form{}, err
	}
	return wire.ReadBody(req)
}

// CheckOrigin refuses a form that another site posted (PG3).
func (b *Browser) CheckOrigin(req *http.Request) error {
	if pages.SameOrigin(req.Header, b.origin) {
		return nil
	}
	refused := oauth.InvalidRequest("The form was not sent by a page of this site.")
	refused.Status = http.StatusForbidden
	return refused
}

// FormCookie names a browser that is not signed in, for form tokens. It gives the
// browser a name that has none.
func (b *Browser) FormCookie(w http.ResponseWriter, req *http.Request) oauth.Secret {
	named := b.Cookies.Read(req, b.Cookies.Form)
	if named.Empty() {
		named = oauth.NewSecret(rand.Text())
		b.Cookies.Set(w, b.Cookies.Form, named)
	}
	return named
}
