//go:build race

package integration

// The binary under test is built with the detector that these tests run with,
// which needs cgo.
var raceFlags, cgo = []string{"-race"}, "CGO_ENABLED=1"
