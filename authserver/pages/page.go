package pages

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Page is what one page says.
type Page interface {
	// page gives the template and the directives of its policy besides the common
	// ones.
	page() (template string, policy []string)
}

// Pages are the pages of one realm.
type Pages struct {
	look      Look
	site      Site
	texts     map[Language]texts
	templates map[string]*template.Template
	assets    map[string]*asset
	base      string
}

// New makes the pages of a realm. An error says what of the look cannot be used.
func New(look Look, issuer string) (*Pages, error) {
	if err := look.check(); err != nil {
		return nil, err
	}
	p := &Pages{look: look, templates: ourTemplates}
	var err error
	if p.texts, err = withOwn(look.Texts); err != nil {
		return nil, err
	}
	style, err := look.Templates.style()
	if err != nil {
		return nil, err
	}
	if p.assets, err = look.assets(style); err != nil {
		return nil, err
	}
	address, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	// The path alone, so that a page finds its files whatever name of the host it
	// was asked for by.
	p.base = address.EscapedPath() + "/pages/"
	p.site = Site{
		Name: cmp.Or(look.Name, address.Hostname()),
		Logo: p.path(assetLogo), Style: p.path(assetStyle), Theme: p.path(assetTheme),
	}
	if len(look.Templates.Files) > 0 {
		if p.templates, err = look.Templates.parse(); err != nil {
			return nil, err
		}
		if err := p.tryTemplates(oauth.Origin(issuer)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// path is where a file of the pages is, "" for one that there is not.
func (p *Pages) path(name string) string {
	file, ok := p.assets[name]
	if !ok {
		return ""
	}
	return p.base + name + "?v=" + file.version
}

// Write answers with a page.
func (p *Pages) Write(w http.ResponseWriter, lang Language, status int, page Page) {
	name, policy := page.page()
	view := p.view(lang, page)
	if seconds, err := strconv.Atoi(w.Header().Get("Retry-After")); err == nil {
		view.wait = time.Duration(seconds) * time.Second // people read what programs do
	}
	var body bytes.Buffer
	if err := p.templates[name].Execute(&body, view); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Language", string(view.Lang))
	secure(w.Header(), view.Script, policy)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

func (p *Pages) view(lang Language, page Page) *View {
	if p.texts[lang] == nil {
		lang = English
	}
	view := &View{Lang: lang, Dir: "ltr", Site: &p.site, Page: page, texts: p.texts[lang], look: &p.look}
	if scripted, ok := page.(interface{ script() string }); ok {
		view.Script = p.path(scripted.script())
	}
	return view
}
