// Command bench measures what the gateway costs and how it holds out.
//
//	go run ./cmd/bench [-only NAME] [-seconds N] [-json]
//
// It starts all that it measures on loopback, in one run, and checks every
// answer while it measures: a wrong status is a failure, not a fast request.
// Figures are compared within the run only, for machines are shared and noisy.
//
// One file an experiment; load.go makes the requests, world.go starts what they
// go to, report.go prints.
package main
