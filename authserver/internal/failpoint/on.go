//go:build failpoint

package failpoint

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// armed is the place where the process ends; left counts down its passings.
var (
	armed string
	left  atomic.Int64
)

func init() {
	place, count, _ := strings.Cut(os.Getenv("OAUTH2_FAILPOINT"), ":")
	if place == "" {
		return
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		panic("OAUTH2_FAILPOINT must look like before-commit:120")
	}
	armed = place
	left.Store(n)
}

// Pass passes a place, and ends the process when it is the armed one's last
// passing.
func Pass(place string) {
	if last(place) {
		kill()
	}
}

// PassWriting is Pass after half of body was sent.
func PassWriting(place string, w http.ResponseWriter, body []byte) {
	if !last(place) {
		return
	}
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	kill()
}

func last(place string) bool { return place == armed && left.Add(-1) == 0 }

// kill ends the process as the kernel would: nothing is flushed, closed or said.
func kill() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // the signal is on its way
}
