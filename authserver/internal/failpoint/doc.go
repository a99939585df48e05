// Package failpoint names the places where losing the process hurts most, so
// that a test can have it killed exactly there: what a kill at a random moment
// hits once in thousands of times is hit each time.
//
// The places are compiled to nothing unless the build tag failpoint is set. A
// binary built with it looks, whenever it passes one, for the file that the
// environment variable OAUTH2_FAILPOINT names. It holds the name of a place, a
// colon, and which passing from then on is the last, such as before-commit:120.
// There the process kills itself as kill -9 would.
package failpoint

// Variable is the environment variable that names the file.
const Variable = "OAUTH2_FAILPOINT"

// The places.
const (
	// BeforeCommit has run the statements of a transaction.
	BeforeCommit = "before-commit"
	// AfterCommit has committed, and has told nobody yet.
	AfterCommit = "after-commit"
	// InAnswer has sent half of an answer.
	InAnswer = "in-answer"
	// InMigration stands behind a statement that changes the schema.
	InMigration = "in-migration"
)
