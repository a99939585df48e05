package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// PostgresName is what a connection string connects to, as operators know it,
// such as oauth2@db1:5432,db2:5432/tokens: user, hosts, database. It has no
// secret, nor has the error, which is about the first thing that is wrong with
// the string.
func PostgresName(dsn string) (string, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return "", parseFault(err)
	}
	hosts := []string{hostName(config.Host, config.Port)}
	for _, other := range config.Fallbacks {
		// A host is there once with TLS and once without.
		if name := hostName(other.Host, other.Port); !slices.Contains(hosts, name) {
			hosts = append(hosts, name)
		}
	}
	database := config.Database
	if database == "" {
		database = config.User // as PostgreSQL has it
	}
	return config.User + "@" + strings.Join(hosts, ",") + "/" + database, nil
}

func hostName(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// parseFault keeps to itself what the parser quotes: it may be a password with a
// character that had to be escaped.
func parseFault(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("it names a file that cannot be read: %w", file)
	}
	return errors.New("it is no connection string of PostgreSQL: write postgres://user:password@host:5432/database, " +
		"with what is special in a URL percent-encoded, or host=… user=… password=… dbname=…")
}
