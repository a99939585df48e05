package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	nextRealm = `UPDATE meta SET value = value + 1 WHERE name = 'realms' RETURNING value`

	// The row count decides between switches that are set at the same time.
	insertSwitches = `INSERT INTO realms (realm, position, switches, updated) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`

	replaceSwitches = `UPDATE realms SET position = ?, switches = ?, updated = ?
		WHERE realm = ? AND (position = ? OR CAST(? AS BIGINT) = 0)`

	selectSwitchChanges = `SELECT position, realm, switches, updated FROM realms WHERE position > ? ORDER BY position`
)

// storedSwitches is how switches are stored.
type storedSwitches struct {
	Disabled         bool            `json:"disabled,omitempty"`
	Grants           map[string]bool `json:"grants,omitempty"`
	JSONAuthenticate *bool           `json:"json_authenticate,omitempty"`
}

// PutSwitches puts a realm's switches in the place of those there are.
func (s *Store) PutSwitches(ctx context.Context, w store.Switches) (int64, error) {
	text, err := json.Marshal(storedSwitches{w.Disabled, w.Grants, w.JSONAuthenticate})
	if err != nil {
		return 0, verdict("switch a realm", err)
	}
	return write(ctx, s, "switch a realm", func(q querier) (int64, error) {
		var position int64
		if err := q.row(nextRealm).Scan(&position); err != nil {
			return 0, err
		}
		changed, err := q.exec(replaceSwitches, position, string(text), seconds(w.Updated), w.Realm, w.Version, w.Version)
		if err == nil && changed == 0 && w.Version == 0 {
			changed, err = q.exec(insertSwitches, w.Realm, position, string(text), seconds(w.Updated))
		}
		if err == nil && changed == 0 {
			err = store.ErrConflict
		}
		return position, err
	})
}

// SwitchChanges reads which realms were switched after a position.
func (s *Store) SwitchChanges(ctx context.Context, after int64) ([]store.Switches, int64, error) {
	var changes []store.Switches
	err := s.engine.read(ctx).each(func(row scanner) error {
		var w store.Switches
		var stored storedSwitches
		var text string
		var updated int64
		if err := row.Scan(&w.Version, &w.Realm, &text, &updated); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &stored); err != nil {
			return fmt.Errorf("the stored switches of realm %s are not JSON: %w", w.Realm, err)
		}
		w.Disabled, w.Grants, w.JSONAuthenticate = stored.Disabled, stored.Grants, stored.JSONAuthenticate
		w.Updated = moment(updated)
		changes = append(changes, w)
		return nil
	}, selectSwitchChanges, after)
	if err != nil {
		return nil, after, verdict("read the switches of realms", err)
	}
	next := after
	if n := len(changes); n > 0 {
		next = changes[n-1].Version
	}
	return changes, next, nil
}
