package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// roleVariable makes this program the caddy that it measures: a process of its
// own, so that its load does not count as the gateway's.
const roleVariable = "CADDY_OAUTH2_BENCH_ROLE"

// experiment measures one thing.
type experiment struct {
	name, question string
	run            func(ctx context.Context, each time.Duration) (report, error)
}

var experiments = []experiment{
	{"keys", "Does valid traffic notice when the issuer's key endpoint fails, or when strangers send unknown keys?", measureKeys},
	{"grants", "Is a server with millions of grants in its database slower than one with none?", measureGrants},
	{"sign-in", "Does valid traffic notice when a thousand people sign in at once, and what memory does that take?", measureSignIns},
}

func main() {
	if os.Getenv(roleVariable) == "caddy" {
		caddycmd.Main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "run one experiment: "+strings.Join(names(), ", "))
	seconds := flags.Int("seconds", 3, "how long each phase of an experiment takes")
	flags.IntVar(&grantCount, "grants", grantCount, "how many grants the full database of the experiment grants has")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *seconds < 1 {
		return errors.New("a phase takes 1 second at least")
	}
	if grantCount < 1 {
		return errors.New("a full database has 1 grant at least")
	}
	found := false
	for _, e := range experiments {
		if *only != "" && *only != e.name {
			continue
		}
		found = true
		measured, err := e.run(ctx, time.Duration(*seconds)*time.Second)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		measured.Name, measured.Question = e.name, e.question
		if err := measured.print(os.Stdout, *asJSON); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("there is no experiment %q; there are %s", *only, strings.Join(names(), ", "))
	}
	return nil
}

func names() []string {
	all := make([]string, len(experiments))
	for i, e := range experiments {
		all[i] = e.name
	}
	return all
}
