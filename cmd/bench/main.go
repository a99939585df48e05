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
	// unasked says that it runs where no name is given: what everybody wants to know
	// first, in minutes.
	unasked bool
	run     func(ctx context.Context, each time.Duration) (report, error)
}

var experiments = []experiment{
	{"gateway", "What does a request cost behind bearer_auth, above the same site without it?", true, measureGateway},
	{"server", "What does a token cost, above the least that a handler of Caddy could do?", true, measureServer},
	{"growth", "What becomes slower with many issuers, rules, clients and live tokens?", false, measureGrowth},
	{"keys", "Does valid traffic notice when the issuer's key endpoint fails, or when strangers send unknown keys?", false, measureKeys},
	{"grants", "Is a server with millions of grants in its database slower than one with none?", false, measureGrants},
	{"sign-in", "Does valid traffic notice when a thousand people sign in at once, and what memory does that take?", false, measureSignIns},
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
	only := flags.String("only", "", "run one experiment and not those that say what a request costs: "+strings.Join(names(), ", "))
	seconds := flags.Int("seconds", 4, "how long each phase of an experiment takes")
	flags.IntVar(&grantCount, "grants", grantCount, "how many grants the full database of the experiment grants has")
	flags.IntVar(&roundCount, "rounds", roundCount, "how often each contender is measured, in turns with the others")
	engine := flags.String("store", "", "measure the experiments server and grants on one store, sqlite or postgres; on all that are there when not given")
	flags.StringVar(&postgresDSN, "dsn", "", "a PostgreSQL to measure, in schemas that are dropped at the end; one is started when not given")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *seconds < 1 {
		return errors.New("a phase takes 1 second at least")
	}
	if roundCount < 1 {
		return errors.New("each contender is measured in 1 round at least")
	}
	if grantCount < 1 {
		return errors.New("a full database has 1 grant at least")
	}
	if postgresDSN != "" && *engine == "" {
		*engine = "postgres"
	}
	if postgresDSN != "" && *engine != "postgres" {
		return errors.New("-dsn leads to a PostgreSQL, and -store names another store")
	}
	if err := chooseEngines(*engine); err != nil {
		return err
	}
	found := false
	for _, e := range experiments {
		if *only != e.name && (*only != "" || !e.unasked) {
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
