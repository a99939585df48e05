// Package login says who the resource owner is: authentication services that
// check a username and a password, and the sessions that remember a sign-in.
//
// It owns accounts, the file service (YAML or htpasswd), and how session cookies
// are made, found and ended. What a session may do, which service a request
// uses, cookies as HTTP knows them and the pages that ask for a password belong
// to others.
package login
