// Package main is barillet, the program: it reads flags and configuration, wires the rooms together, serves,
// and offers the operator's subcommands, each of which is a client of the REST API. It owns the clock, the
// signals, the data folder and the local socket; it decides nothing about people.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(runMain(os.Args[1:])) }

// runMain runs the program until it ends or is told to, and gives its exit code.
func runMain(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	// A second signal ends the program at once: whoever sends it does not want to wait.
	context.AfterFunc(ctx, stop)
	return report(os.Stderr, run(ctx, args, os.Stdin, os.Stdout, os.Stderr))
}
