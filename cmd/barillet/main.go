// Command barillet is an MFA identity provider. It reads the configuration, connects the packages, runs the service, and
// provides subcommands that call the REST API. It contains the clock, the signals, the data directory and the admin socket.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(runMain(os.Args[1:])) }

// runMain runs the program until it ends or receives a signal, and returns the exit code.
func runMain(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	// A second signal ends the program immediately.
	context.AfterFunc(ctx, stop)
	return report(os.Stderr, run(ctx, args, os.Stdin, os.Stdout, os.Stderr))
}
