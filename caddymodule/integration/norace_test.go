//go:build !race

package integration

// The binary under test is built as xcaddy builds it, without cgo.
var raceFlags, cgo = []string{}, "CGO_ENABLED=0"
