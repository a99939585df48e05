package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// readPassword reads a password, or the hash of one: the first line of standard
// input, or what is typed twice at a terminal, which does not show it.
func (c adminClient) readPassword(hash bool) (passwordDocument, error) {
	text, err := c.readSecret()
	if err == nil && text == "" {
		err = errors.New("there is no password on standard input")
	}
	if hash {
		return passwordDocument{Hash: text}, err
	}
	return passwordDocument{Password: text}, err
}

func (c adminClient) readSecret() (string, error) {
	file, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(c.in, maxAdminBody)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
	typed := [2]string{}
	for i, prompt := range []string{"Password: ", "Once more: "} {
		_, _ = fmt.Fprint(os.Stderr, prompt)
		text, err := term.ReadPassword(int(file.Fd()))
		_, _ = fmt.Fprintln(os.Stderr)
		if err != nil {
			return "", err
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same")
	}
	return typed[0], nil
}
