package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/importer"
)

// exportRealm prints a realm, one member a line, so that two exports can be
// compared.
func (c adminClient) exportRealm(fl caddycmd.Flags) error {
	query := url.Values{"realm": {fl.String("realm")}, "consents": {strconv.FormatBool(!fl.Bool("no-consents"))}}
	var document json.RawMessage
	printed, err := c.call(http.MethodGet, "/oauth2/realms/export?"+query.Encode(), nil, &document)
	if err != nil || printed {
		return err
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, document, "", "  "); err != nil {
		return err
	}
	_, err = c.out.Write(append(bytes.TrimSpace(lines.Bytes()), '\n'))
	return err
}

// importRealm gives the document on standard input to the server.
func (c adminClient) importRealm(fl caddycmd.Flags) (int, error) {
	text, err := io.ReadAll(io.LimitReader(c.in, importer.MaxDocumentBytes+1))
	switch {
	case err != nil:
		return exitTrouble, err
	case len(bytes.TrimSpace(text)) == 0:
		return exitTrouble, errors.New("there is no document on standard input")
	case len(text) > importer.MaxDocumentBytes:
		return exitTrouble, fmt.Errorf("the document has more than %d bytes", importer.MaxDocumentBytes)
	}
	query := url.Values{"realm": {fl.String("realm")}, "format": {fl.String("format")}}
	for flag, parameter := range map[string]string{"dry-run": "dry_run", "replace": "replace", "skip-bad": "skip_bad"} {
		query.Set(parameter, strconv.FormatBool(fl.Bool(flag)))
	}
	var answer realmImport
	printed, err := c.send(http.MethodPost, "/oauth2/realms/import?"+query.Encode(), bytes.NewReader(text), &answer)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		c.report(&answer)
	}
	failed := slices.ContainsFunc(answer.Clients, func(client importedClient) bool { return client.Action == importFailed })
	switch {
	case answer.Fault != "":
		return exitTrouble, fmt.Errorf("the import was not done to its end; run it again: %s", answer.Fault)
	case answer.Stored, answer.DryRun && answer.Refused == 0:
		return caddy.ExitCodeSuccess, nil
	case answer.Refused > 0 && !failed:
		return 1, fmt.Errorf("nothing is stored, for %d are refused; mend the document, or take the others with --skip-bad", answer.Refused)
	}
	return 1, errors.New("not all is stored; run the import again")
}

// report prints what became of a document.
func (c adminClient) report(a *realmImport) {
	for i := range a.Clients {
		client := &a.Clients[i]
		c.part(client.ID, &client.importedPart)
		if client.Secret != "" {
			c.printf("  its secret, which is shown this once: %s\n", client.Secret)
		} else if client.NewSecret && client.Action != importRefused && client.Action != importFailed {
			c.printf("  it gets a new secret, which the client must be given\n")
		}
		for _, warning := range client.Warnings {
			c.printf("  warning: it %s\n", warning)
		}
	}
	if a.Switches != nil {
		c.part("the switches of the realm", a.Switches)
	}
	if a.Consents != nil {
		c.printf("%d consents: %d added, %d left out\n", a.Consents.Count, a.Consents.Added, a.Consents.LeftOut)
	}
	if len(a.Notes) > 0 {
		c.printf("What is not as it was:\n")
	}
	for _, note := range a.Notes {
		if note.Client != "" {
			c.printf("  %s: %s: %s\n", note.Client, note.Setting, note.Text)
		} else {
			c.printf("  %s: %s\n", note.Setting, note.Text)
		}
	}
	if a.DryRun {
		c.printf("Realm %s: nothing is stored, as asked; %d refused\n", a.Realm, a.Refused)
	} else if a.Stored {
		c.printf("Realm %s: stored; %d refused\n", a.Realm, a.Refused)
	}
}

// part prints what became of one part.
func (c adminClient) part(name string, p *importedPart) {
	if p.Reason != "" {
		c.printf("%s: %s: %s\n", name, p.Action, p.Reason)
		return
	}
	c.printf("%s: %s\n", name, p.Action)
}
