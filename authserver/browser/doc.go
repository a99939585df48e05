// Package browser is what the pages of a realm have in common: the cookies that
// we set, who is signed in at the browser that shows one, and the tokens that tie
// forms to that browser.
//
// What a page is for belongs to the packages that answer it (authorize, signin,
// account, logout), what it looks like to package pages, and what a session is to
// package login.
package browser
