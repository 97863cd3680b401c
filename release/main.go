// Command release builds what a release of Barillet consists of, and verifies its provenance. docs/release.md describes it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want build or verify")
	}
	switch args[0] {
	case "build":
		return runBuild(args[1:])
	case "verify":
		return runVerify(args[1:])
	}
	return fmt.Errorf("no command %q: want build or verify", args[0])
}

func runBuild(args []string) error {
	var o options
	f := flag.NewFlagSet("build", flag.ContinueOnError)
	f.StringVar(&o.source, "source", "..", "repository; its commit is built, not its working tree")
	f.StringVar(&o.out, "out", "../dist", "directory for the results; its files are replaced")
	f.StringVar(&o.targets, "targets", allTargets, "operating systems and architectures")
	f.StringVar(&o.key, "key", "", "file with the ed25519 key that signs the provenance (PEM, PKCS #8)")
	f.BoolVar(&o.unsigned, "unsigned", false, "make no provenance")
	f.StringVar(&o.vulnDB, "vulndb", "", "URL of the database of vulnerabilities")
	f.BoolVar(&o.noVEX, "no-vex", false, "make no VEX file")
	f.StringVar(&o.builder, "builder", "", "URI of the builder, for the provenance")
	f.StringVar(&o.maintainer, "maintainer", defaultMaintainer, "maintainer of the Debian package: Name <address>")
	if err := f.Parse(args); err != nil {
		return err
	}
	return build(o)
}

func runVerify(args []string) error {
	f := flag.NewFlagSet("verify", flag.ContinueOnError)
	key := f.String("key", "", "file with the ed25519 public key (PEM)")
	dir := f.String("dir", "../dist", "directory of the release")
	if err := f.Parse(args); err != nil {
		return err
	}
	n, err := verify(filepath.Clean(*dir), *key)
	if err != nil {
		return err
	}
	fmt.Printf("%d files are those of the signed provenance\n", n)
	return nil
}
