// Package pages is the HTML that people see: sign-in, second factors, consent,
// account, errors, and the page that posts an answer to a client. It owns the
// templates, the texts in every language, the files that pages refer to, the
// security headers of every page, and the form tokens that tie a form to a browser
// and to one request.
//
// Each page is a struct of what it says. Pages.Write answers with it in the look
// of a realm and the language of a request: a View of the struct is what its
// template is executed with. Whatever an operator may change is in Look, and is
// checked when Pages are made.
//
// Forms post to the address of the page that holds them, so that the
// authorization request does not stand in the HTML. Which page comes when, and
// what a submitted form does, is decided elsewhere. Nothing here reads a store, a
// clock or a file that is not embedded.
package pages
