package pages

import (
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// View is what a template is executed with. Its exported fields and methods, and
// those of the pages, are what own templates may use (docs/page-templates.md).
type View struct {
	// Lang is the language of the page, Dir the direction in which it is written.
	Lang Language
	Dir  string
	// Site is the same on every page of a realm.
	Site *Site
	// Page is what this one says.
	Page Page
	// Script is the path of the script of the page, "" for none.
	Script string

	texts texts
	look  *Look
	// wait is when the answer says to try again, 0 when it does not.
	wait time.Duration
}

// Site is what every page of a realm shows.
type Site struct {
	// Name is what people know the site by.
	Name string
	// Logo, Style and Theme are paths; Logo is "" for none.
	Logo, Style, Theme string
}

// Links are those at the foot of the page.
func (v *View) Links() []Link {
	return linksIn(v.look.Links, v.Lang)
}

// T is a text of the page's language. After its key come the names of its
// placeholders, each with its value.
func (v *View) T(key string, pairs ...string) (string, error) {
	text, err := v.text(key, pairs)
	if err != nil {
		return "", err
	}
	return fill(text, braces(pairs, func(value string) string { return value })), nil
}

// H is T with its values in bold, each kept apart from the direction in which the
// text around it is written.
func (v *View) H(key string, pairs ...string) (template.HTML, error) {
	text, err := v.text(key, pairs)
	if err != nil {
		return "", err
	}
	filled := fill(template.HTMLEscapeString(text), braces(pairs, func(value string) string {
		return "<strong><bdi>" + template.HTMLEscapeString(value) + "</bdi></strong>"
	}))
	return template.HTML(filled), nil // the text and its values are escaped
}

// N is the text of a number of things: key.one or key.other, with {n} in it.
func (v *View) N(key string, n int) (string, error) {
	form := ".other"
	if one(v.Lang, n) {
		form = ".one"
	}
	return v.T(key+form, "n", fmt.Sprint(n))
}

func (v *View) text(key string, pairs []string) (string, error) {
	text, ok := v.texts[key]
	switch {
	case !ok:
		return "", fmt.Errorf("there is no text %q", key)
	case len(pairs)%2 != 0:
		return "", errors.New("each placeholder needs a name and a value")
	}
	return text, nil
}

// Problem is what the message of the page says, "" when it has none.
func (v *View) Problem() string { return v.texts["message."+string(v.message())] }

// Help is what to do about it, "" when there is nothing more to say.
func (v *View) Help() string {
	key := "message." + string(v.message())
	if v.wait == 0 || v.message() != TooManyAttempts {
		return v.texts[key+".help"]
	}
	unit, length := ".seconds", time.Second
	if v.wait > time.Minute {
		unit, length = ".minutes", time.Minute
	}
	text, _ := v.N(key+unit, int((v.wait+length-1)/length)) // every catalog has them
	return text
}

// Good says whether the message is that something went well.
func (v *View) Good() bool { return good[v.message()] }

// About marks a field that the message is about, for assistive technology.
func (v *View) About(field string) template.HTMLAttr {
	if !slices.Contains(fields[v.message()], field) {
		return ""
	}
	return ` aria-invalid="true" aria-describedby="problem"`
}

func (v *View) message() Message {
	if page, ok := v.Page.(interface{ message() Message }); ok {
		return page.message()
	}
	return ""
}

// Permission is one line of what is asked for: in words, or as a bare name that
// there are no words for.
type Permission struct{ Words, Name string }

// Scopes are scope tokens in words.
func (v *View) Scopes(tokens []string) []Permission {
	list := make([]Permission, len(tokens))
	for i, token := range tokens {
		list[i] = Permission{Words: v.scope(token)}
		if list[i].Words == "" {
			list[i].Name = token
		}
	}
	return list
}

// scope is a scope in the operator's words, else in ours, else "".
func (v *View) scope(token string) string {
	own := v.look.Scopes[token]
	if words := own[v.Lang]; words != "" {
		return words
	}
	if words := own[""]; words != "" {
		return words
	}
	return v.texts["scope."+token]
}

// Claims are names of claims in words.
func (v *View) Claims(names []string) []Permission {
	list := make([]Permission, len(names))
	for i, name := range names {
		list[i] = Permission{Words: v.texts["claim."+name]}
		if list[i].Words == "" {
			list[i].Name = name
		}
	}
	return list
}

// Time is a moment as people write it, in UTC: whose clock the reader lives by is
// not known here.
func (v *View) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	day := fmt.Sprint(t.Day())
	if t.Day() == 1 {
		day = v.texts["date.first"]
	}
	words := fill(v.texts["date"], []string{
		"{day}", day, "{month}", v.texts[fmt.Sprintf("month.%d", int(t.Month()))],
		"{year}", fmt.Sprint(t.Year()), "{time}", t.Format("15:04"),
	})
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + template.HTMLEscapeString(words) + "</time>") // escaped
}

// braces puts the names of placeholders in braces and their values through show.
func braces(pairs []string, show func(string) string) []string {
	out := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		out[i], out[i+1] = "{"+pairs[i]+"}", show(pairs[i+1])
	}
	return out
}

// fill replaces in one pass: what stands in a value is not replaced again.
func fill(text string, pairs []string) string { return strings.NewReplacer(pairs...).Replace(text) }
