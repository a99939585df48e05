// Command bench measures what the gateway costs and how it holds out.
//
//	go run ./cmd/bench [-only NAME] [-seconds N] [-rounds N] [-grants N] [-store NAME] [-dsn STRING] [-json]
//
// It starts all that it measures on loopback, in one run, and checks every
// answer while it measures: a wrong status is a failure, not a fast request.
// Figures are compared within the run only, for machines are shared and noisy.
//
// One file an experiment, with its parts in others that begin with its name.
// Requests are made by load.go at a fixed rate and by wire.go as fast as they are
// answered; rounds.go takes turns; world.go starts what they go to; report.go and
// table.go print.
package main
