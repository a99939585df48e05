package clientauth

// Failure is why a client did not authenticate, as the private cause of the
// error that it gets: all refused clients are told the same (A32), the audit log
// is told more.
type Failure struct {
	// ClientID is who it should have been; "" when there is no such client, for
	// then the name may be a secret in the wrong place.
	ClientID string
	// Method is how it tried.
	Method string
	// Reason is one of the words below.
	Reason string
}

// Why clients fail.
const (
	UnknownClient = "unknown_client"
	WrongSecret   = "wrong_secret"
	// NoSecret is a confidential client that only names itself, SecretOfPublic a
	// public one that shows what it cannot have.
	NoSecret       = "no_secret"
	SecretOfPublic = "secret_of_public_client"
	// WrongMethod is a right secret by another method than the client's own.
	WrongMethod = "wrong_method"
	// Malformed is a request that names no client in a way that we take.
	Malformed = "malformed"
)

// Error implements error.
func (f *Failure) Error() string { return "client authentication: " + f.Reason }

// failed says why credentials do not do. Of a client that is not known there is
// but one reason.
func (c credentials) failed(known bool, reason string) *Failure {
	if !known {
		return &Failure{Method: c.method, Reason: UnknownClient}
	}
	return &Failure{ClientID: c.id, Method: c.method, Reason: reason}
}
