// Package clientauth finds out which client sends a request: one file a method,
// exactly one method a request, every ambiguity refused.
//
// It owns how credentials are read and compared, and what an unknown client
// costs. What a client may then do is decided by its callers; an endpoint that
// public clients may not use refuses them itself.
package clientauth
