// Package grants is the token endpoint: one pipeline that every request goes
// through, and one file a grant for what is particular to it.
//
// The pipeline reads the form, authenticates the client, finds the grant, sees
// that realm and client both list it, and writes the answer; a grant cannot
// forget any of that. A grant checks its proof with pure functions, the
// client's identity first, then mints, then does the one step of the store that
// may happen once: what is answered is committed.
//
// How clients and users prove who they are, what tokens look like and what the
// store remembers is left to the packages below realm. Codes come from package
// authorize.
package grants
