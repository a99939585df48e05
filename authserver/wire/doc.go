// Package wire is the one place where requests are read from and answers are
// written to HTTP: bounded forms in, JSON and the RFCs' error documents out,
// with the headers that every such answer needs; and prepared documents, whose
// headers are the caller's.
//
// What an answer says is decided elsewhere; pages for people are in package
// pages.
package wire
