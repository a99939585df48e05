// Package audit says what the authorization server tells of security: which
// events there are, what a Record of one holds, and Log, the one way to tell it.
//
// It is a leaf, as package oauth is: the layers that see an event import it, and
// none of them knows where records go. A Record is told after its event is
// committed, once, and holds names only: no token, secret, password, code or
// cookie, and no text of a stranger who has not shown who he is. Writer keeps
// records in a store, in batches, off the path of requests.
package audit
