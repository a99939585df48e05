package pages

import "net/http"

// failure is a page that only says what went wrong.
type failure struct{ Title, Text string }

// WriteError shows a fixed text: never anything that a stranger sent (PG13).
func WriteError(w http.ResponseWriter, status int, title, text string) {
	write(w, status, "error.html", failure{Title: title, Text: text}, formAction("'none'"))
}
