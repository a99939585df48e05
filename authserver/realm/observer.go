package realm

import "context"

// Observer is told what operators count and what they must know of. Calls are
// on the request's path: implementations return at once.
type Observer interface {
	// TokenAnswered counts one answer that gives or refuses tokens. grantType is
	// one of ours or "unknown"; result is "ok" or an error code.
	TokenAnswered(realm, grantType, result string)
	// Security reports one rare security fact, once.
	Security(ctx context.Context, event Event)
}

// Names of security events.
const (
	EventRefreshReuse = "refresh_reuse"
	EventCodeReplay   = "code_replay"
	EventRefreshGrace = "refresh_grace"
)

// Event is a security fact. It holds names only, no secrets.
type Event struct {
	Name, Realm, ClientID, Subject, GrantID string
}
