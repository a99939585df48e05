package caddymodule

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/caddyserver/caddy/v2"
)

// eachPage reads a list to its end, and shows each page unless it is printed as it
// comes. query is that of the first page.
func eachPage[P any](c adminClient, path string, query url.Values, show func(*P)) error {
	for {
		var text json.RawMessage
		printed, err := c.call(http.MethodGet, path+"?"+query.Encode(), nil, &text)
		if err != nil {
			return err
		}
		var page P
		var more struct{ Next string }
		for _, part := range []any{&page, &more} {
			if err := json.Unmarshal(text, part); err != nil {
				return c.strange(err)
			}
		}
		if !printed {
			show(&page)
		}
		if more.Next == "" {
			return nil
		}
		query.Set("after", more.Next)
	}
}

// exit is how a command ends.
func exit(err error) (int, error) {
	if err != nil {
		return exitTrouble, err
	}
	return caddy.ExitCodeSuccess, nil
}

// quiet is the client for what is read on the way to what is printed.
func (c adminClient) quiet() adminClient {
	c.raw = false
	return c
}

// readDocument reads the file that an option names; - is standard input. nil when it
// names none.
func (c adminClient) readDocument(name string) ([]byte, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(io.LimitReader(c.in, maxAdminBody))
	}
	return os.ReadFile(name)
}
