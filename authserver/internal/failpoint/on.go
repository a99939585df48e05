//go:build failpoint

package failpoint

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

// order is where the process shall end, as the file says.
var order struct {
	sync.Mutex
	place string // "" until the file is there
	left  int
}

// Pass passes a place, and ends the process when it was told to end there.
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

func last(place string) bool {
	file := os.Getenv(Variable)
	if file == "" {
		return false
	}
	order.Lock()
	defer order.Unlock()
	if order.place == "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return false // not yet
		}
		var count string
		order.place, count, _ = strings.Cut(strings.TrimSpace(string(text)), ":")
		if order.left, err = strconv.Atoi(count); err != nil || order.left < 1 {
			panic(file + " must hold a line like before-commit:120")
		}
	}
	if place != order.place {
		return false
	}
	order.left--
	return order.left == 0
}

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
