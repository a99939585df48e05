package login

import (
	"fmt"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// parseHtpasswd reads lines of
//
//	username:hash
//
// Blank lines and lines that begin with # say nothing. Of the hashes that
// htpasswd can write only bcrypt is good (htpasswd -B); argon2id is too.
func parseHtpasswd(data []byte) ([]user, error) {
	var users []user
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		username, hash, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d: is not username:hash; make the hash with caddy hash-password", number)
		}
		users = append(users, user{username: username, password: store.SecretDigest(strings.TrimSpace(hash)), line: number})
	}
	return users, nil
}
