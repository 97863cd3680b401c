// Command cli signs a user in at a terminal with golang.org/x/oauth2: by a browser on the same machine, which comes back
// to a loopback address (RFC 8252 §7.3), or with -device by any other browser (RFC 8628). It prints the tokens as JSON.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Tokens is what the program prints.
type Tokens struct {
	Subject string `json:"subject"`
	Email   string `json:"email"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var (
		flags    = flag.NewFlagSet("cli", flag.ContinueOnError)
		issuer   = flags.String("issuer", "https://login.garage.example", "issuer")
		client   = flags.String("client", "", "client id")
		redirect = flags.String("redirect", "http://127.0.0.1/cb", "registered redirect URI; without a port, any is used")
		device   = flags.Bool("device", false, "use the device grant")
		scope    = flags.String("scope", "openid email offline_access", "scope")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	provider, err := oidc.NewProvider(ctx, *issuer)
	if err != nil {
		return err
	}
	config := &oauth2.Config{ClientID: *client, RedirectURL: *redirect, Endpoint: provider.Endpoint(), Scopes: strings.Fields(*scope)}
	signIn := byLoopback
	if *device {
		signIn = byDevice
	}
	token, err := signIn(ctx, config)
	if err != nil {
		return err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: *client}).Verify(ctx, raw)
	if err != nil {
		return err
	}
	info, err := provider.UserInfo(ctx, config.TokenSource(ctx, token))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(Tokens{id.Subject, info.Email, token.AccessToken, token.RefreshToken, raw})
}

// answer is what the browser brings back.
type answer struct {
	code string
	err  error
}

// byLoopback listens at the redirect URI and waits for the browser.
func byLoopback(ctx context.Context, config *oauth2.Config) (*oauth2.Token, error) {
	redirect, err := url.Parse(config.RedirectURL)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", cmp.Or(redirect.Port(), "0")))
	if err != nil {
		return nil, err
	}
	redirect.Host = fmt.Sprintf("%s:%d", redirect.Hostname(), listener.Addr().(*net.TCPAddr).Port)
	config.RedirectURL = redirect.String()
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	answers := make(chan answer, 1)
	server := &http.Server{Handler: receive(cmp.Or(redirect.Path, "/"), state, answers)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintln(os.Stderr, "open", config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)))
	a := <-answers
	if err := server.Shutdown(ctx); err != nil {
		return nil, err
	}
	<-served
	if a.err != nil {
		return nil, a.err
	}
	return config.Exchange(ctx, a.code, oauth2.VerifierOption(verifier))
}

// receive takes one answer at a path.
func receive(path, state string, answers chan<- answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.FormValue("state") != state {
			http.NotFound(w, r)
			return
		}
		a := answer{code: r.FormValue("code")}
		if a.code == "" {
			a.err = fmt.Errorf("%s: %s", r.FormValue("error"), r.FormValue("error_description"))
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Signed in</title><link rel="icon" href="data:,"><main id="done">Close this page.</main>`)
		select {
		case answers <- a:
		default:
		}
	})
}

// byDevice prints a code for another browser and waits until it was typed there.
func byDevice(ctx context.Context, config *oauth2.Config) (*oauth2.Token, error) {
	device, err := config.DeviceAuth(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "open", device.VerificationURI, "and type", device.UserCode)
	if device.VerificationURIComplete != "" {
		fmt.Fprintln(os.Stderr, "or open it with the code:", device.VerificationURIComplete)
	}
	return config.DeviceAccessToken(ctx, device)
}
