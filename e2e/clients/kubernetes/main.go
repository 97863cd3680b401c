// Command kubernetes judges ID tokens as the Kubernetes API server does, with its own authenticator. It reads an
// AuthenticationConfiguration as kube-apiserver --authentication-config does, and the tokens from its standard input, one
// a line. For each it prints a line: the user as JSON, or why the token is refused.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kubernetes", flag.ContinueOnError)
	config := flags.String("authentication-config", "", "file with an AuthenticationConfiguration")
	if err := flags.Parse(args); err != nil {
		return err
	}
	options, err := load(*config)
	if err != nil {
		return err
	}
	authenticator, err := oidc.New(ctx, *options)
	if err != nil {
		return err
	}
	for authenticator.HealthCheck() != nil { // it fetches discovery and keys in the background
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		response, ok, err := authenticator.AuthenticateToken(ctx, lines.Text())
		switch {
		case err != nil:
			fmt.Println("refused:", err)
		case !ok:
			fmt.Println("refused: a token of another issuer")
		default:
			if err := json.NewEncoder(os.Stdout).Encode(response.User); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// load reads the one issuer of a configuration, strictly.
func load(file string) (*oidc.Options, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	decoded, err := runtime.Decode(codecs.UniversalDecoder(), raw)
	if err != nil {
		return nil, err
	}
	config, ok := decoded.(*apiserver.AuthenticationConfiguration)
	if !ok || len(config.JWT) != 1 {
		return nil, errors.New("the file is no AuthenticationConfiguration with one issuer")
	}
	return &oidc.Options{JWTAuthenticator: config.JWT[0], SupportedSigningAlgs: oidc.AllValidSigningAlgorithms()}, nil
}
