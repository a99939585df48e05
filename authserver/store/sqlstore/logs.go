package sqlstore

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const selectLogEnds = `SELECT name, value FROM meta WHERE name IN ('revocations', 'denials', 'clients', 'realms', 'keys')`

// LogEnds are the last positions that were given to changes.
func (s *Store) LogEnds(ctx context.Context) (store.LogEnds, error) {
	var ends store.LogEnds
	err := s.engine.read(ctx).each(func(row scanner) error {
		var name string
		var position int64
		err := row.Scan(&name, &position)
		switch name {
		case "revocations":
			ends.Revocations = position
		case "denials":
			ends.Denials = position
		case "clients":
			ends.Clients = position
		case "realms":
			ends.Realms = position
		case "keys":
			ends.Keys = position
		}
		return err
	}, selectLogEnds)
	return ends, verdict("read how far the logs go", err)
}
