// Package authorize is the front channel: the authorization endpoint and its
// consent page, up to the code or token that the browser carries back to the
// client. Who has to sign in first is sent to package signin, with the request as
// an errand.
//
// Requests are read by pure functions (request.go, target.go) and judged by one
// (decide.go); every step re-reads the request from its own query with the same
// functions, so that nothing is kept between steps and nothing is hidden in a
// form. What the pages look like is package pages', who a password belongs to
// is package login's, and redeeming a code is package grants'.
package authorize
