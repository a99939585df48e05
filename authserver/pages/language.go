package pages

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// OpenID Connect Core §3.1.2.1, RFC 9110 §12.5.4, RFC 4647

// Language is one that the pages speak (BCP 47).
type Language string

// English is spoken to those who ask for no language of ours.
const English Language = "en"

// languages are those that the pages speak, English first.
var languages = []Language{English, "de", "es", "fr", "ja"}

// Languages are those that the pages speak.
func (*Pages) Languages() []string {
	out := make([]string, len(languages))
	for i, lang := range languages {
		out[i] = string(lang)
	}
	return out
}

var matcher = func() language.Matcher {
	tags := make([]language.Tag, len(languages))
	for i, lang := range languages {
		tags[i] = language.MustParse(string(lang))
	}
	return language.NewMatcher(tags)
}()

// The bounds of what is read of a request's languages: a browser sends fewer.
const (
	maxLanguageBytes = 256
	maxLanguages     = 16
)

// Language chooses the first that the pages speak of what a request asks for (its
// ui_locales, separated by spaces) and what the browser does (Accept-Language),
// else English.
func (*Pages) Language(uiLocales string, header http.Header) Language {
	if lang, ok := match(localesOf(uiLocales)); ok {
		return lang
	}
	if lang, ok := match(accepted(strings.Join(header.Values("Accept-Language"), ","))); ok {
		return lang
	}
	return English
}

func match(tags []language.Tag) (Language, bool) {
	if len(tags) == 0 {
		return "", false
	}
	_, at, confidence := matcher.Match(tags[:min(len(tags), maxLanguages)]...)
	return languages[at], confidence > language.No
}

// localesOf reads tags separated by spaces; what is no tag is passed over.
func localesOf(list string) []language.Tag {
	if len(list) > maxLanguageBytes {
		return nil
	}
	var tags []language.Tag
	for written := range strings.FieldsSeq(list) {
		if tag, err := language.Parse(written); err == nil && tag != language.Und {
			tags = append(tags, tag)
		}
	}
	return tags
}

// accepted reads Accept-Language, the most wanted first. What is no tag is passed
// over, and so is the * of those who take anything.
func accepted(header string) []language.Tag {
	if len(header) > maxLanguageBytes {
		// The first are those that matter.
		header = header[:strings.LastIndexByte(header[:maxLanguageBytes], ',')+1]
	}
	type wish struct {
		tag    language.Tag
		weight float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(header, ",") {
		written, parameter, weighted := strings.Cut(part, ";")
		weight := 1.0
		if weighted {
			var err error
			if weight, err = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(parameter), "q="), 64); err != nil {
				continue
			}
		}
		if tag, err := language.Parse(strings.TrimSpace(written)); err == nil && tag != language.Und && weight > 0 {
			wishes = append(wishes, wish{tag, weight})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]language.Tag, len(wishes))
	for i := range wishes {
		tags[i] = wishes[i].tag
	}
	return tags
}

func checkLanguage(lang Language) error {
	if slices.Contains(languages, lang) {
		return nil
	}
	return fmt.Errorf("the pages do not speak %q; they speak %s", lang, strings.Trim(fmt.Sprint(languages), "[]"))
}

// one says whether a number takes the singular (CLDR plural rules, cardinal).
func one(lang Language, n int) bool {
	switch lang {
	case "ja":
		return false
	case "fr":
		return n == 0 || n == 1
	default:
		return n == 1
	}
}
