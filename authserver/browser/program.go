package browser

import "net/http"

// Program says whether a request bears none of the marks that browsers leave, so
// that no page can have made it.
func Program(req *http.Request) bool { return !fromBrowser(req.Header) }
