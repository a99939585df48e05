// Package dpoptest is a DPoP client for tests: it has a key and makes proofs with
// it, as good or as bad as a test wants them.
package dpoptest
