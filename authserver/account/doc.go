// Package account is the page on which people see what is theirs and end it: the
// sessions they are signed in with, the applications that may act for them, their
// second factors and their password.
//
// It shows and ends; what a session or a consent is belongs to packages login and
// store, who is at the browser to package browser, how somebody signs in to
// package signin, and what the page looks like to package pages.
package account
