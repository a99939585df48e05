package pages

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// layoutFile is around every page: it executes "title" and "content", which each
// page defines. partsFile defines what several pages use.
const (
	layoutFile = "layout.html"
	partsFile  = "parts.html"
)

// ourFiles are the templates and the style sheet by file name.
var ourFiles = func() map[string]string {
	files := map[string]string{assetStyle: ourFile(assetFiles, "assets/"+assetStyle)}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		files[strings.TrimPrefix(name, "templates/")] = ourFile(templateFiles, name)
	}
	return files
}()

func ourFile(from embed.FS, name string) string {
	text, err := from.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

var ourTemplates = func() map[string]*template.Template {
	set, err := parse(ourFiles)
	if err != nil {
		panic(err)
	}
	return set
}()

// parse makes the template of each page: the layout with what the page defines.
func parse(files map[string]string) (map[string]*template.Template, error) {
	layout, err := template.New(layoutFile).Parse(files[layoutFile])
	if err != nil {
		return nil, err
	}
	if _, err := layout.New(partsFile).Parse(files[partsFile]); err != nil {
		return nil, err
	}
	set := map[string]*template.Template{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == layoutFile || name == partsFile || name == assetStyle {
			continue
		}
		page, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if _, err := page.New(name).Parse(files[name]); err != nil {
			return nil, err
		}
		for _, part := range []string{"title", "content"} {
			if page.Lookup(part) == nil {
				return nil, fmt.Errorf("template: %s: it does not define %q", name, part)
			}
		}
		set[name] = page
	}
	return set, nil
}

// Replaceable are the names of the files that own templates may replace.
func Replaceable() []string { return slices.Sorted(maps.Keys(ourFiles)) }

// style is the style sheet, the operator's if there is one.
func (t Templates) style() (string, error) {
	for _, name := range slices.Sorted(maps.Keys(t.Files)) {
		if _, ok := ourFiles[name]; !ok {
			return "", fmt.Errorf("templates %s: no page uses %s; there are %s",
				t.Directory, name, strings.Join(Replaceable(), ", "))
		}
	}
	if own, ok := t.Files[assetStyle]; ok {
		return own, nil
	}
	return ourFiles[assetStyle], nil
}

// parse makes the templates with the operator's in place of ours.
func (t Templates) parse() (map[string]*template.Template, error) {
	files := maps.Clone(ourFiles)
	maps.Copy(files, t.Files)
	set, err := parse(files)
	if err != nil {
		return nil, t.errorf(err)
	}
	return set, nil
}

// errorf says where the file of an error is. The error itself says which, and its
// line.
func (t Templates) errorf(err error) error {
	text := err.Error()
	for _, engine := range []string{"html/template:", "template: "} {
		text = strings.TrimPrefix(text, engine)
	}
	return errors.New("templates " + filepath.Clean(t.Directory) + string(filepath.Separator) + strings.TrimSpace(text))
}

// tryTemplates makes every page with sample values in every language, so that a
// template that cannot be executed is found at the start and not by a customer.
func (p *Pages) tryTemplates(origin string) error {
	if own, ok := p.look.Templates.Files[assetStyle]; ok {
		if err := checkStyle(own, origin); err != nil {
			return p.look.Templates.errorf(err)
		}
	}
	for _, sample := range Samples() {
		for _, lang := range languages {
			name, _ := sample.Page.page()
			var body bytes.Buffer
			view := p.view(lang, sample.Page)
			if err := p.templates[name].Execute(&body, view); err != nil {
				return p.look.Templates.errorf(err)
			}
			if faults := unsound(body.Bytes(), sample.Page, view.Script, origin); len(faults) > 0 {
				return p.look.Templates.errorf(fmt.Errorf("%s: %s", name, faults[0]))
			}
		}
	}
	return nil
}
