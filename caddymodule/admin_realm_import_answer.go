package caddymodule

import "github.com/caddy-oauth2/caddy-oauth2/authserver/registration/importer"

// realmImport is what became of a document, or would become of it.
type realmImport struct {
	// Realm is where it went.
	Realm string `json:"realm"`

	// Format is that of the document.
	Format string `json:"format"`

	// DryRun says that nothing was to be stored.
	DryRun bool `json:"dry_run,omitempty"`

	// Stored says that what was not refused is stored. Otherwise the rest says what
	// would be done.
	Stored bool `json:"stored"`

	// Refused is how many clients were refused, and the switches where they were.
	Refused int `json:"refused,omitempty"`

	// Clients are those of the document, in its order.
	Clients []importedClient `json:"clients"`

	// Switches say what became of the switches; absent where the document has none.
	Switches *importedPart `json:"switches,omitempty"`

	// Consents say what became of the consents; absent where the document has none.
	Consents *importedConsents `json:"consents,omitempty"`

	// Notes are what could not be carried over as it was.
	Notes []importer.Note `json:"notes,omitempty"`

	// Fault is what ended the import before it was done. What is stored stays: the
	// same import can be run again.
	Fault string `json:"fault,omitempty"`
}

// What is done with a part of a document.
const (
	importCreated   = "created"
	importReplaced  = "replaced"
	importUnchanged = "unchanged"
	importRefused   = "refused"
	// importFailed is what should have been stored and is not.
	importFailed = "failed"
)

// importedPart is what became of a part of a document.
type importedPart struct {
	// Action is `created`, `replaced`, `unchanged`, `refused` or `failed`.
	Action string `json:"action"`

	// Reason says why it was refused or failed, and what to do.
	Reason string `json:"reason,omitempty"`
}

// importedClient is what became of a client.
type importedClient struct {
	// ID is the client_id.
	ID string `json:"id"`

	importedPart

	// NewSecret says that the document does not tell its secret and one is made.
	NewSecret bool `json:"new_secret,omitempty"`

	// Secret is the one that was made. It is shown this once.
	Secret string `json:"secret,omitempty"`

	// Warnings are what works and should not be.
	Warnings []string `json:"warnings,omitempty"`
}

// importedConsents is what became of the consents.
type importedConsents struct {
	// Count is how many the document has.
	Count int `json:"count"`

	// Added is to how many of them something was added; the others were there.
	Added int `json:"added"`

	// LeftOut is how many cannot be; a note says why.
	LeftOut int `json:"left_out,omitempty"`
}
