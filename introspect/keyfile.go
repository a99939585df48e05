package introspect

import (
	"fmt"
	"io"
	"os"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 7517 §5

// CheckFile reads the key set on disk, where there is one, and says what is
// wrong with it.
func (f Foreign) CheckFile() error {
	if f.JWKSFile == "" {
		return nil
	}
	f = f.withDefaults()
	body, err := readKeyFile(f.JWKSFile)
	if err != nil {
		return err
	}
	if _, err := parseKeySet(body, f.Algorithms); err != nil {
		return fmt.Errorf("%s: %w", f.JWKSFile, err)
	}
	return nil
}

func readKeyFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, outbound.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > outbound.MaxBody {
		return nil, fmt.Errorf("%s has more than %d bytes", path, outbound.MaxBody)
	}
	return body, nil
}
