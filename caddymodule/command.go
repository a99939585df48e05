package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

const (
	// maxAdminAnswer bounds what a command reads of an answer.
	maxAdminAnswer = 64 << 20
	// exitTrouble is the exit code when there is no answer; 1 is one that says no.
	exitTrouble = 2
)

// flagSet is what a command is told by.
type flagSet = goflag.FlagSet

// registerCommand adds a command that talks to the admin endpoint of a running Caddy.
// It takes so many arguments at most.
func registerCommand(name, usage, short, long string, arguments int, define func(*flagSet), run func(adminClient, caddycmd.Flags) (int, error)) {
	flags := goflag.NewFlagSet(name, goflag.ExitOnError)
	flags.String("address", "", "Address of the admin endpoint")
	flags.String("config", "", "Configuration file that says the address")
	flags.String("adapter", "", "Name of the config adapter for it")
	flags.Bool("json", false, "Print the answer as JSON")
	define(flags)
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  name,
		Usage: usage + " [--json] [--address <admin>] [--config <path> [--adapter <name>]]",
		Short: short,
		Long: long + `

It asks the running Caddy over its admin endpoint, by default ` + caddy.DefaultAdminListen + `.
Name another with --address, or the configuration that says it with --config.
With --json the answer is printed as the endpoint gives it.`,
		Flags: flags,
		Func: func(fl caddycmd.Flags) (int, error) {
			if fl.NArg() > arguments {
				return exitTrouble, errors.New("there are too many arguments; see caddy help " + name)
			}
			address, err := caddycmd.DetermineAdminAPIAddress(fl.String("address"), nil, fl.String("config"), fl.String("adapter"))
			if err != nil {
				return exitTrouble, err
			}
			return run(adminClient{address: address, raw: fl.Bool("json"), in: os.Stdin, out: os.Stdout}, fl)
		},
	})
}

// adminClient talks to the admin endpoint and prints.
type adminClient struct {
	address string
	raw     bool
	in      io.Reader
	out     io.Writer
}

// call sends a body, nil for none, and prints the answer as it comes or reads it
// into answer, nil for none; printed says which. The endpoint's own words are in
// the error.
func (c adminClient) call(method, path string, body, answer any) (printed bool, err error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return false, err
		}
		reader = bytes.NewReader(text)
	}
	response, err := caddycmd.AdminAPIRequest(c.address, method, path, nil, reader)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
	if err != nil {
		return false, err
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			return false, fmt.Errorf("the answer of %s is not what it should be: %w", c.address, err)
		}
	}
	if c.raw {
		_, err = c.out.Write(text)
	}
	return c.raw, err
}

// printf prints for people. What comes from a token or an issuer can do nothing
// to their terminal.
func (c adminClient) printf(format string, args ...any) {
	_, _ = io.WriteString(c.out, strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, fmt.Sprintf(format, args...)))
}
