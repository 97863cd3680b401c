package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/authn/directory"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/cmd/barillet/inprocess"
	"barillet/cmd/barillet/manage"
	"barillet/factors"
	"barillet/internal/audit/tree"
	"barillet/internal/secret"
	"barillet/internal/usercsv"
	"barillet/store/bolt"
	"barillet/web/api"
	"barillet/web/reply"
)

// target selects the service of a command: by URL, or by data directory on this host.
type target struct {
	program   *program
	settings  config.Flags
	url       string
	tokenFile string
}

func (t *target) register(c *cobra.Command) {
	t.settings.Register(c, "public_url", "key_file")
	c.Flags().StringVar(&t.url, "url", "", "URL of a service to use instead of a data directory; needs an API token")
	c.Flags().StringVar(&t.tokenFile, "token-file", "", "file that contains the API token for --url (default BARILLET_TOKEN)")
}

// manager returns the subcommands that administer a service.
func (p *program) manager() *manage.CLI {
	return &manage.CLI{Program: &p.Program, Version: version(), FindDuplicates: findDuplicates, ProofPage: tree.ProofPage, Connector: func(c *cobra.Command) manage.Connector {
		t := &target{program: p}
		t.register(c)
		return t
	}}
}

// findDuplicates applies the rule of the service to a whole file, of which a call to the API sees a part.
func findDuplicates(rows []usercsv.Row) [][]manage.ImportCause {
	users := make([]directory.NewUser, len(rows))
	for i, r := range rows {
		users[i] = directory.NewUser{Login: r.Cells[usercsv.Login], Email: r.Cells[usercsv.Email], SecondEmail: r.Cells[usercsv.SecondEmail],
			OTPAuthURI: secret.From(r.Cells[usercsv.Key])}
	}
	out := make([][]manage.ImportCause, len(rows))
	for i, faults := range directory.FindDuplicates(users, keyID) {
		for _, f := range faults {
			out[i] = append(out[i], manage.ImportCause{Field: f.Field, Reason: f.Reason, Message: reply.Message(f.Field, f.Reason)})
		}
	}
	return out
}

// keyID returns the id of an imported key, which is the same for all its spellings, and whether a factor can import it.
func keyID(key secret.Value) (string, bool) {
	for _, f := range kinds(nil, nil) {
		if importer, ok := f.(factors.Importer); ok {
			if d, err := importer.Import(now(), factors.Subject{}, key.Reveal()); err == nil {
				return d.Unique, true
			}
		}
	}
	return "", false
}

// Remote implements manage.Connector.
func (t *target) Remote() bool {
	return t.url != "" || config.Variables(t.program.Environ)["BARILLET_URL"] != ""
}

// Connect implements manage.Connector. It uses HTTPS if a URL is set, the admin socket if the service runs, and offline mode
// otherwise.
func (t *target) Connect(ctx context.Context, create bool) (*manage.Client, error) {
	p := t.program
	if t.url == "" {
		t.url = config.Variables(p.Environ)["BARILLET_URL"]
	}
	if t.url != "" {
		if _, given := t.settings.Given()["data"]; given {
			return nil, cli.Usagef("--url and --data cannot be combined")
		}
		return t.connectURL(p)
	}
	c, err := t.settings.Load(p.Environ)
	if err != nil {
		return nil, err
	}
	if err := c.NeedData(); err != nil {
		return nil, err
	}
	// A service that starts opens the store before it listens on the socket.
	for try := 0; ; try++ {
		bySocket, err := t.connectSocket(ctx, c)
		if bySocket != nil || err != nil {
			return bySocket, err
		}
		direct, err := p.connectOffline(ctx, c, create)
		if !errors.Is(err, bolt.ErrInUse) || try == 2 {
			return direct, err
		}
	}
}

// connectURL uses HTTPS and an API token from the environment or a file. An argument would be visible in the process list and in
// the history of the shell.
func (t *target) connectURL(p *program) (*manage.Client, error) {
	var base config.Origin
	if err := base.UnmarshalText([]byte(t.url)); err != nil {
		return nil, cli.Usagef("--url: %w", err)
	}
	token := config.Variables(p.Environ)["BARILLET_TOKEN"]
	if t.tokenFile != "" {
		text, err := os.ReadFile(t.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading token: %w", err)
		}
		token = string(text)
	}
	if token = strings.TrimSpace(token); token == "" || strings.ContainsAny(token, " \t\r\n") {
		return nil, cli.WithHint(cli.Usagef("--url needs an API token"), "set BARILLET_TOKEN, or name a file with --token-file")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: manage.MaxCalls}
	return manage.NewClient(string(base), token, transport, transport.CloseIdleConnections), nil
}

// connectSocket uses the admin socket. It returns nil if no service runs.
func (t *target) connectSocket(ctx context.Context, c *config.Config) (*manage.Client, error) {
	conn, err := dialSocket(ctx, c.Data)
	switch {
	case err == nil:
		conn.Close()
	case notListening(err):
		return nil, nil
	default:
		return nil, fmt.Errorf("connecting to admin socket: %w", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: manage.MaxCalls,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialSocket(ctx, c.Data) }}
	return manage.NewClient("http://localhost", "", transport, transport.CloseIdleConnections), nil
}

// connectOffline opens the store and handles the calls in this process.
func (p *program) connectOffline(ctx context.Context, c *config.Config, create bool) (*manage.Client, error) {
	dir, err := datadir.Open(ctx, c, create, now, p.exitOnDamage)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := newApp(c, dir, c.Origin(""), log)
	if err != nil {
		return nil, errors.Join(err, dir.Store.Close())
	}
	if err := a.tree.Advance(ctx); err != nil { // as the service does when it starts
		log.Error("extending the audit log", "error", err)
	}
	if dir.Fresh {
		p.Note("created a store in %s; keep a copy of %s apart from the store and its backups", c.Data, c.KeyFile)
	}
	transport := &inprocess.Transport{Handler: asOperator(a.localAPI())}
	done := func() {
		transport.Wait()
		if err := dir.Store.Close(); err != nil {
			p.Note("closing store: %v", err)
		}
	}
	client := manage.NewClient("http://localhost", "", transport, done)
	client.Offline, client.NoSupport = true, c.Support.Email == ""
	if c.PublicURL == "" {
		client.DefaultURL = a.origin
	}
	return client, nil
}

// asOperator returns a handler whose caller is the operator.
func asOperator(handler http.Handler) http.Handler {
	operator := operatorPrincipal(os.Geteuid())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(api.WithPrincipal(r.Context(), operator)))
	})
}
