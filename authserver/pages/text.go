package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed locales/*.json
var localeFiles embed.FS

// texts are those of one language by key.
type texts map[string]string

// catalogs are ours, by language. Every language has every key: a test says so.
var catalogs = readCatalogs()

func readCatalogs() map[Language]texts {
	all := map[Language]texts{}
	for _, lang := range languages {
		file, err := localeFiles.ReadFile("locales/" + string(lang) + ".json")
		if err != nil {
			panic(err)
		}
		catalog := texts{}
		if err := json.Unmarshal(file, &catalog); err != nil {
			panic(fmt.Sprintf("%s: %v", lang, err))
		}
		all[lang] = catalog
	}
	return all
}

// maxText bounds a text of the operator's own, in bytes.
const maxText = 2000

// withOwn lays the operator's texts over ours.
func withOwn(own map[Language]map[string]string) (map[Language]texts, error) {
	all := make(map[Language]texts, len(languages))
	for _, lang := range languages {
		all[lang] = catalogs[lang]
	}
	for _, lang := range slices.Sorted(maps.Keys(own)) {
		if err := checkLanguage(lang); err != nil {
			return nil, fmt.Errorf("text: %w", err)
		}
		all[lang] = maps.Clone(all[lang])
		for _, key := range slices.Sorted(maps.Keys(own[lang])) {
			if err := checkText(key, own[lang][key]); err != nil {
				return nil, fmt.Errorf("text %s %s %w", lang, key, err)
			}
			all[lang][key] = own[lang][key]
		}
	}
	return all, nil
}

func checkText(key, text string) error {
	ours, ok := catalogs[English][key]
	switch {
	case !ok:
		return fmt.Errorf("is no text of the pages; the keys are in authserver/pages/locales/en.json%s", similar(key))
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("is empty; leave the line out for the text of the pages: %q", ours)
	case len(text) > maxText:
		return fmt.Errorf("is longer than %d bytes", maxText)
	}
	for _, name := range placeholders(text) {
		if !slices.Contains(placeholders(ours), name) {
			return fmt.Errorf("has the placeholder {%s}, which nothing fills; ours is %q", name, ours)
		}
	}
	return nil
}

// similar names the keys that a mistyped one may mean.
func similar(key string) string {
	var list []string
	for _, other := range slices.Sorted(maps.Keys(catalogs[English])) {
		if prefix, _, _ := strings.Cut(key, "_"); strings.HasPrefix(other, prefix) {
			list = append(list, other)
		}
	}
	if len(list) == 0 || len(list) > 12 {
		return ""
	}
	return ", among them " + strings.Join(list, ", ")
}

// placeholders are the names in braces, sorted.
func placeholders(text string) []string {
	var names []string
	for {
		_, rest, found := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			slices.Sort(names)
			return slices.Compact(names)
		}
		names, text = append(names, name), after
	}
}
