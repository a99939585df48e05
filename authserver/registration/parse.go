package registration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Parse reads a registration, strictly: members that are not known are mistakes.
// Its errors name the member and never show a secret.
func Parse(text []byte) (Client, error) {
	var c Client
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Client{}, readable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Client{}, errors.New("there is something behind the JSON object")
	}
	return c, nil
}

// readable puts what is wrong with a JSON document into words.
func readable(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	var span *durationError
	switch {
	case errors.As(err, &span):
		return err // it shows a duration only
	case errors.As(err, &kind) && kind.Field == "":
		return errors.New("the document is no JSON object")
	case errors.As(err, &kind):
		return fmt.Errorf("%s is no %s", kind.Field, names[kind.Type.Kind().String()])
	case errors.As(err, &syntax):
		return fmt.Errorf("the document is no JSON: there is a mistake at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the document ends before the JSON object does")
	}
	// What is left speaks of a member that is not known, and names it.
	name, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	if !ok {
		return errors.New("the document is no registration of a client")
	}
	return fmt.Errorf("%.80s is no member of a client's registration", name)
}

// names are JSON's for what Go calls these kinds.
var names = map[string]string{
	"string": "text", "bool": "true or false", "slice": "list", "struct": "object", "int": "whole number", "int64": "duration",
}
