package login

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// parseYAML reads
//
//	users:
//	  demo:                  # the username
//	    id: "1001"           # immutable; default: the username
//	    password: $argon2id$v=19$m=47104,t=1,p=1$…
//	    disabled: false
//	    claims:
//	      name: Demo User
//	      email: demo@example.com
//	      email_verified: true
//
// Anything else in it is an error, so that a misspelt "disabled" is not lost.
func parseYAML(data []byte) ([]user, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("has more than one YAML document: keep one")
	}
	datesAsText(&document)
	var users []user
	err := eachMember(document.Content[0], func(key, value *yaml.Node) error {
		if key.Value != "users" {
			return fmt.Errorf("line %d: %q is not known here: the file has one key, users", key.Line, key.Value)
		}
		return eachMember(value, func(key, value *yaml.Node) error {
			u := user{username: key.Value, line: key.Line}
			if err := u.readYAML(value); err != nil {
				return fmt.Errorf("user %q: %w", u.username, err)
			}
			users = append(users, u)
			return nil
		})
	})
	return users, err
}

func (u *user) readYAML(fields *yaml.Node) error {
	return eachMember(fields, func(key, value *yaml.Node) error {
		var err error
		switch key.Value {
		case "id":
			u.id, err = scalar(value)
		case "password":
			var text string
			text, err = scalar(value)
			u.password = store.SecretDigest(text)
		case "disabled":
			// Left empty it would say neither.
			if value.ShortTag() == "!!null" || value.Decode(&u.disabled) != nil {
				err = errors.New("must be true or false")
			}
		case "claims":
			if u.claims, err = readClaims(value); err != nil {
				return fmt.Errorf("claims: %w", err)
			}
		default:
			err = errors.New("is not known here; there are id, password, disabled and claims")
		}
		if err != nil {
			return fmt.Errorf("line %d: %s %w", key.Line, key.Value, err)
		}
		return nil
	})
}

// eachMember visits the members of a mapping in their order. One without any
// value has none.
func eachMember(node *yaml.Node, visit func(key, value *yaml.Node) error) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.ShortTag() == "!!null" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: here must be indented lines of the form key: value", node.Line)
	}
	first := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a key must be plain text", key.Line)
		}
		if line, twice := first[key.Value]; twice {
			return fmt.Errorf("line %d: %q is there twice, first in line %d: remove one", key.Line, key.Value, line)
		}
		first[key.Value] = key.Line
		if err := visit(key, value); err != nil {
			return err
		}
	}
	return nil
}

// scalar is the text of a value as it is written, whatever YAML would make of
// it: 0123 and +15551234 stay what they are.
func scalar(node *yaml.Node) (text string, err error) {
	if node.Decode(&text) != nil {
		return "", errors.New("must be text")
	}
	return text, nil
}

// datesAsText keeps YAML from reading 1990-01-31 as a point in time.
func datesAsText(node *yaml.Node) {
	if node.ShortTag() == "!!timestamp" {
		node.Tag = "!!str"
	}
	for _, child := range node.Content {
		datesAsText(child)
	}
}
