// Package balancer is a load balancer for tests of many nodes. It knows nothing
// of a node but what oauth2_health says, and sends requests to those that are
// ready. What the requests are, and what must become of them, is for the tests to
// know: those of rolling restarts, on one machine and on PostgreSQL.
package balancer
