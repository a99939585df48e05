package store

import (
	"context"
	"time"
)

// Overview lists what there is, for operators and for the pages on which users
// see what they have allowed. It is never on the path of a request for tokens.
type Overview interface {
	// Grants lists the grants of a reach, whatever their state, newest first: up
	// to limit of them, those that come after the one with the id after ("" for
	// the newest).
	Grants(ctx context.Context, reach Reach, after string, limit int) ([]Grant, error)
	// Sessions lists the live sessions of a subject by their ids: up to limit of
	// them, those after an id ("" for all).
	Sessions(ctx context.Context, realm, subject, after string, limit int, now time.Time) ([]Session, error)
	// Consents lists what a user has agreed to, by client.
	Consents(ctx context.Context, realm, subject string) ([]Consent, error)
}
