package realm

// Observer is told what operators count. Calls are on the request's path:
// implementations return at once. Security events are told to Audit.
type Observer interface {
	// TokenAnswered counts one answer that gives or refuses tokens. grantType is
	// one of ours or "unknown"; result is "ok" or an error code.
	TokenAnswered(realm, grantType, result string)
}
