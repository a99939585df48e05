package login

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// MaxUsernameBytes bounds a username.
const MaxUsernameBytes = 256

// user is one person in a file.
type user struct {
	username string
	// id is immutable: it stays when the username changes.
	id       string
	password store.SecretDigest
	disabled bool
	claims   map[string]any
	// line is where the file names the user.
	line int
}

// users are what a file says. They never change, so they need no lock.
type users struct {
	service    string
	hasher     *hashing.Hasher
	byUsername map[string]*user
	byID       map[string]*user
	digests    []store.SecretDigest
}

// file is the service that knows the users of a file as it stands. What was bound
// to several realms reads one file.
type file struct {
	*usersFile
	// seen is what Changed has told of up to now; it alone uses it.
	seen *users
}

// OpenFile reads the users of a YAML or htpasswd file. name is the service's. A
// file whose name ends in .yaml or .yml is YAML, as is any other whose first line,
// comments aside, is "---" or the key "users:"; the rest are htpasswd. See
// parseYAML and parseHtpasswd for the two.
//
// It is read again when it has changed, each time that Changed is called. A file
// that cannot be read then leaves the users as they were.
//
// Usernames are compared byte for byte: case, spaces and Unicode form count.
func OpenFile(name, path string, hasher *hashing.Hasher, log *slog.Logger) (Passwords, error) {
	f := &usersFile{name: name, path: path, hasher: hasher, log: log, seed: maphash.MakeSeed()}
	read, err := f.open()
	if err != nil {
		return nil, err
	}
	if len(read.byID) == 0 {
		log.Warn("the file has no users: nobody can sign in", "authentication", name, "file", path)
	}
	return &file{f, read}, nil
}

// Bind implements Bound: each realm is told of changes by itself.
func (f *file) Bind(string, Binding) Service { return &file{f.usersFile, f.seen} }

// parseUsers reads a file of either format.
func parseUsers(service, path string, data []byte, hasher *hashing.Hasher) (*users, error) {
	parse := parseHtpasswd
	if isYAML(path, string(data)) {
		parse = parseYAML
	}
	listed, err := parse(data)
	if err != nil {
		return nil, err
	}
	return newUsers(service, listed, hasher)
}

func isYAML(path, text string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		return true
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			return line == "---" || line == "users:" || strings.HasPrefix(line, "users: ")
		}
	}
	return false
}

// newUsers checks what both formats have in common.
func newUsers(service string, listed []user, hasher *hashing.Hasher) (*users, error) {
	f := &users{
		service:    service,
		hasher:     hasher,
		byUsername: make(map[string]*user, len(listed)),
		byID:       make(map[string]*user, len(listed)),
	}
	for i := range listed {
		u := &listed[i]
		if u.id == "" {
			u.id = u.username
		}
		if err := f.add(u); err != nil {
			return nil, fmt.Errorf("line %d: user %q %w", u.line, u.username, err)
		}
	}
	return f, nil
}

func (f *users) add(u *user) error {
	if err := checkUsername(u.username); err != nil {
		return err
	}
	if err := CheckID(f.service, u.id); err != nil {
		return err
	}
	if other, taken := f.byUsername[u.username]; taken {
		return fmt.Errorf("is there twice, first in line %d: remove one", other.line)
	}
	if other, taken := f.byID[u.id]; taken {
		return fmt.Errorf("has the id %q of user %q in line %d: give each person an id of their own", u.id, other.username, other.line)
	}
	if u.password == "" {
		return errors.New("has no password: make a hash with caddy hash-password --algorithm argon2id and put it there")
	}
	kind, err := f.hasher.Check(u.password)
	if err != nil {
		return fmt.Errorf("has a password that %w", err)
	}
	if kind == hashing.Fast {
		return errors.New("has a password that is not a slow hash: make one with caddy hash-password --algorithm argon2id")
	}
	if u.claims == nil {
		u.claims = map[string]any{}
	}
	nameToShow(u.claims, u.username)
	f.byUsername[u.username], f.byID[u.id] = u, u
	f.digests = append(f.digests, u.password)
	return nil
}

func checkUsername(username string) error {
	if username == "" || len(username) > MaxUsernameBytes {
		return fmt.Errorf("needs a username of 1 to %d bytes", MaxUsernameBytes)
	}
	if !utf8.ValidString(username) || strings.ContainsFunc(username, unicode.IsControl) {
		return errors.New("has a control character or invalid UTF-8 in the username")
	}
	return nil
}

// Authenticate checks a username and a password. Unknown usernames, wrong
// passwords and disabled users make the same calls of the hasher (AS62).
func (f *file) Authenticate(ctx context.Context, username string, password oauth.Secret) (Account, error) {
	now := f.current.Load()
	u, known := now.byUsername[username]
	if !known {
		if err := f.decoy(ctx, now, username, password); err != nil {
			return Account{}, err
		}
		return Account{}, ErrCredentials
	}
	right, err := f.hasher.Verify(ctx, u.password, password)
	if err != nil {
		return Account{}, err
	}
	// Checking takes its time: what the file says by now is what holds.
	still := f.current.Load().byID[u.id]
	if reason := refusal(u, still, right); reason != "" {
		return Account{}, &Refused{store.Account{Service: f.name, ID: u.id}, reason}
	}
	return f.account(still), nil
}

// refusal says why somebody whose password was checked may not sign in, "" for
// who may. still is the user now, nil when there is none.
func refusal(checked, still *user, right bool) string {
	switch {
	case !right || still == nil || still.password != checked.password:
		return WrongPassword
	case still.disabled:
		return Disabled
	}
	return ""
}

// decoy costs what one of the users costs and tells nothing. The same username
// always costs the same, so that repeating does not show that it is unknown,
// even where the digests of the file differ in their cost.
func (f *file) decoy(ctx context.Context, now *users, username string, password oauth.Secret) error {
	if len(now.digests) == 0 {
		return f.hasher.Waste(ctx, hashing.Argon2id, password)
	}
	n := maphash.String(f.seed, username) % uint64(len(now.digests))
	_, err := f.hasher.Verify(ctx, now.digests[n], password)
	return err
}

// Account is what an account is like now.
func (f *file) Account(_ context.Context, id string) (Account, error) {
	u, known := f.current.Load().byID[id]
	if !known || u.disabled {
		return Account{}, ErrNoAccount
	}
	return f.account(u), nil
}

// Named implements Roll.
func (f *file) Named(_ context.Context, username string) (string, error) {
	u, known := f.current.Load().byUsername[username]
	if !known {
		return "", ErrNoAccount
	}
	return u.id, nil
}

// Has implements Roll.
func (f *file) Has(_ context.Context, id string) (bool, error) {
	_, known := f.current.Load().byID[id]
	return known, nil
}

func (f *file) account(u *user) Account {
	return Account{
		Account:  store.Account{Service: f.name, ID: u.id},
		Username: u.username,
		Claims:   maps.Clone(u.claims),
	}
}

// Interface guards
var (
	_ Passwords = (*file)(nil)
	_ Roll      = (*file)(nil)
	_ Bound     = (*file)(nil)
	_ Resumed   = (*file)(nil)
)
