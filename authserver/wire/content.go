package wire

import (
	"bytes"
	"net/http"
	"time"
)

// RFC 9110 §13.2 and §14

// Content sends what is prepared, conditional requests and ranges included. The
// headers, Content-Type and ETag among them, are the caller's.
func Content(w http.ResponseWriter, r *http.Request, content []byte) {
	http.ServeContent(writerAlone{w}, r, "", time.Time{}, bytes.NewReader(content))
}

// writerAlone hides that a writer could send a file by itself: from memory it does
// so through a buffer of 32 KB, and after the header instead of with it.
type writerAlone struct{ http.ResponseWriter }
