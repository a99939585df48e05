package realm

// Observer is told what operators count. Calls are on the request's path:
// implementations return at once. Security events are told to Audit.
type Observer interface {
	// TokenAnswered counts one answer that gives or refuses tokens. grantType is
	// one of ours or "unknown"; result is "ok" or an error code.
	TokenAnswered(realm, grantType, result string)
	// AttemptLimited counts one try that was not looked at because there were too
	// many before it. kind is password, code or device.
	AttemptLimited(realm, kind string)
	// LogoutTold counts one attempt to tell a client of a sign-out: "ok", "failed"
	// (there will be another), "refused" or "given_up".
	LogoutTold(realm, result string)
}
