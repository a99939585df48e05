package caddymodule

import (
	"fmt"
	"net/http"
	"strconv"
)

// listPage is how many entries an answer has at most.
const listPage = 1000

// readPage reads after and limit of a list. So many entries are a page at most,
// and when nothing is said.
func readPage(r *http.Request, most int) (after string, limit int, err error) {
	query := r.URL.Query()
	after, limit = query.Get("after"), most
	if written := query.Get("limit"); written != "" {
		if limit, err = readLimit(written, most); err != nil {
			return "", 0, err
		}
	}
	return after, limit, checkName("after", after)
}

// readLimit reads how many entries an answer shall have.
func readLimit(written string, most int) (int, error) {
	limit, err := strconv.Atoi(written)
	if err != nil || limit < 1 || limit > most {
		return 0, badRequest(fmt.Sprintf("limit is a number from 1 to %d", most))
	}
	return limit, nil
}
