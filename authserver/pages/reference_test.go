package pages

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The reference for own templates names every file, and every field and method
// that a template may use.
func TestTemplateReferenceIsComplete(t *testing.T) {
	reference, err := os.ReadFile("../../docs/page-templates.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(reference)) {
		if file, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok && strings.HasSuffix(file, ".html") {
			rows[file] = rest
		}
	}
	seen := map[string]bool{}
	for _, sample := range Samples() {
		name, _ := sample.Page.page()
		seen[name] = true
		for _, member := range members(reflect.TypeOf(sample.Page)) {
			if !strings.Contains(rows[name], "`"+member+"`") && !strings.Contains(string(reference), "`.Page."+member+"`") {
				t.Errorf("%s: the reference does not name %s", name, member)
			}
		}
	}
	for _, member := range members(reflect.TypeOf(new(View))) {
		if !strings.Contains(string(reference), "`."+member) {
			t.Errorf("the reference does not name .%s", member)
		}
	}
	for file := range ourFiles {
		if strings.HasSuffix(file, ".html") && file != layoutFile && file != partsFile && !seen[file] {
			t.Errorf("no sample shows %s", file)
		}
		if !strings.Contains(string(reference), "`"+file+"`") {
			t.Errorf("the reference does not name %s", file)
		}
	}
}

// members are the exported fields, of fields too, and methods of a type.
func members(of reflect.Type) []string {
	var names []string
	for i := range of.NumMethod() {
		names = append(names, of.Method(i).Name)
	}
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of == reflect.TypeOf(time.Time{}) || of.PkgPath() != reflect.TypeOf(View{}).PkgPath() {
		return names
	}
	for i := range of.NumField() {
		field := of.Field(i)
		if !field.IsExported() {
			continue
		}
		if !field.Anonymous {
			names = append(names, field.Name)
		}
		if field.Type.Kind() == reflect.Slice || field.Anonymous {
			names = append(names, members(field.Type)...)
		}
	}
	return names
}
