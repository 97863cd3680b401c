package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"barillet/authn/generation"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/diskspace"
	"barillet/oidc/keys"
	"barillet/store"
	"barillet/store/bolt"
)

// openRestored opens the unfinished store of a restore.
func (p *program) openRestored(ctx context.Context, c *config.Config, file *bolt.Store, root store.RootKeys) (*generation.Renewal, func() error, error) {
	space, err := diskspace.New(c.Data)
	if err != nil {
		return nil, nil, err
	}
	ring, err := store.OpenKeyring(ctx, file, root, now())
	if err != nil {
		return nil, nil, err
	}
	corrected := ring.CorrectTimes(file, now)
	dir := &datadir.Dir{Store: corrected, Ring: ring, Keys: root, Space: space}
	a, err := newApp(c, dir, c.Origin(""), slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, nil, errors.Join(err, corrected.Close())
	}
	return &generation.Renewal{Accounts: a.accounts, Tree: a.tree, Hooks: a.webhooks.Hooks, Clients: a.oidc.Clients, SigningKeys: keys.Algorithms,
		Clear: file.Clear, Actor: operatorPrincipal(os.Geteuid()).Actor()}, corrected.Close, nil
}
