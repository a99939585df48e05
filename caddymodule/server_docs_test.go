package caddymodule_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The JSON documentation is made from these comments: each field of the
// configuration says what it does, and each struct what it is.
func TestEveryJSONFieldIsDocumented(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	clients, err := filepath.Glob("../authserver/registration/*.go")
	if err != nil || len(clients) == 0 {
		t.Fatal("no registration of clients", err)
	}
	files = append(files, clients...)
	fields := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			declaration, ok := node.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range declaration.Specs {
				spec, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if structure, ok := spec.Type.(*ast.StructType); ok {
					fields += checkFields(t, spec.Name.Name, declaration.Doc.Text()+spec.Doc.Text(), structure)
				}
			}
			return true
		})
	}
	if fields < 50 {
		t.Errorf("found %d fields: the test does not look where they are", fields)
	}
}

func checkFields(t *testing.T, name, doc string, structure *ast.StructType) (fields int) {
	for _, field := range structure.Fields.List {
		if field.Tag == nil {
			continue
		}
		text, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			t.Fatal(err)
		}
		if json := reflect.StructTag(text).Get("json"); json == "" || json == "-" {
			continue
		}
		fields++
		if field.Doc.Text() == "" {
			t.Errorf("%s.%s has no comment", name, field.Names[0].Name)
		}
	}
	if fields > 0 && doc == "" {
		t.Errorf("%s has no comment", name)
	}
	return fields
}
