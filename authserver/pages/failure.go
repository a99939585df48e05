package pages

// Failure is a page that says what went wrong and what to do. Nothing that a
// stranger sent is on it (PG13).
type Failure struct {
	// Message is what went wrong, in the words of the page.
	Message Message
	// Detail is a fixed text of the protocol for the client's developer, in English,
	// "" for none.
	Detail string
}

func (Failure) page() (string, []string) { return "error.html", []string{formAction("'none'")} }

func (p Failure) message() Message { return p.Message }
