// Package pages is the HTML that people see: sign-in, consent, errors, and the
// page that posts an answer to a client. It owns the templates, the security
// headers of every page, and the form tokens that tie a form to a browser and
// to one request.
//
// Forms post to the address of the page that holds them, so that the
// authorization request does not stand in the HTML. Which page comes when, and
// what a submitted form does, is decided by package authorize. Nothing here
// reads a store or a clock.
package pages
