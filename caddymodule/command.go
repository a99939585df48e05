package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	goflag "flag"
	"fmt"
	"io"
	"net/http"
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
			address, err := adminAddress(fl.String("address"), fl.String("config"), fl.String("adapter"))
			if err != nil {
				return exitTrouble, err
			}
			return run(adminClient{address: address, raw: fl.Bool("json"), in: os.Stdin, out: os.Stdout, notes: os.Stderr}, fl)
		},
	})
}

// adminAddress is where the admin endpoint is: at an address that is given, where
// a configuration file says, or where it is by default.
func adminAddress(address, file, adapter string) (string, error) {
	if address != "" || file == "" {
		return caddycmd.DetermineAdminAPIAddress(address, nil, "", "")
	}
	config, _, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return "", err
	}
	var written struct{ Admin struct{ Disabled bool } }
	if err := json.Unmarshal(config, &written); err == nil && written.Admin.Disabled {
		// Caddy gives the default address, where another process may listen.
		return "", fmt.Errorf("%s says `admin off`, and this command asks the running Caddy over its admin endpoint: "+
			"give it one that only operators reach, such as: admin unix//run/caddy/admin.sock", file)
	}
	return caddycmd.DetermineAdminAPIAddress("", config, file, adapter)
}

// adminClient talks to the admin endpoint and prints.
type adminClient struct {
	address string
	raw     bool
	in      io.Reader
	out     io.Writer
	notes   io.Writer
}

// ask sends a request. An error is the endpoint's own words, or says what it may
// mean that nobody answers.
func (c adminClient) ask(method, path string, body io.Reader) (*http.Response, error) {
	response, err := caddycmd.AdminAPIRequest(c.address, method, path, nil, body)
	if err == nil {
		return response, nil
	}
	if answer, refused := strings.CutPrefix(err.Error(), "caddy responded with error: "); refused {
		// HTTP 404: {"error":"…"}
		var said struct{ Error string }
		_, text, _ := strings.Cut(answer, ": ")
		if json.Unmarshal([]byte(text), &said) == nil && said.Error != "" {
			err = errors.New(printable(said.Error))
		}
		return nil, err
	}
	if strings.HasPrefix(err.Error(), "performing request: ") {
		return nil, fmt.Errorf("no admin endpoint answers at %s: see that Caddy runs, that this is its address (else say --address or --config), "+
			"and that its configuration does not say `admin off`: %w", c.address, err)
	}
	return nil, err
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
	return c.send(method, path, reader, answer)
}

// send is call with a body as it is.
func (c adminClient) send(method, path string, reader io.Reader, answer any) (printed bool, err error) {
	response, err := c.ask(method, path, reader)
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
			return false, c.strange(err)
		}
	}
	if c.raw {
		_, err = c.out.Write(text)
	}
	return c.raw, err
}

// strange is an answer that is not what it should be.
func (c adminClient) strange(err error) error {
	return fmt.Errorf("the answer of %s is not what it should be: %w", c.address, err)
}

// printf prints for people.
func (c adminClient) printf(format string, args ...any) {
	_, _ = io.WriteString(c.out, printable(fmt.Sprintf(format, args...)))
}

// printable is text that can do nothing to a terminal, though it comes from a token
// or an issuer.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
