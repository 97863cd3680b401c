package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"barillet/oidc/client"
	"barillet/store"
)

// A client in memory never hides a change: each reader gets the client of its own snapshot.
func TestGet_ReturnsTheClientOfItsOwnSnapshot(t *testing.T) {
	h, p := open(t)
	ctx := context.Background()
	c, err := p.Register(ctx, by, client.Registration{Name: "Planning", Redirects: []string{"https://a.example/"}})
	if err != nil {
		t.Fatal(err)
	}
	read := func(r store.Reader) client.Client {
		t.Helper()
		got, err := p.Get(r, c.ID)
		if err != nil || got == nil {
			t.Fatalf("got %v, %v", got, err)
		}
		return *got
	}
	rotate, rotated := make(chan struct{}), make(chan error)
	go func() { // an Update must not begin within the View
		<-rotate
		for range 2 {
			_, err := p.RotateSecret(ctx, by, c.ID)
			rotated <- err
		}
	}()
	err = h.Store.View(ctx, func(before store.Snapshot) error {
		old := read(before)
		close(rotate)
		for range 2 {
			if err := <-rotated; err != nil { // it read the newest client, twice
				return err
			}
			if read(before).Secret != old.Secret {
				t.Error("a snapshot from before the change shows it")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := p.Find(ctx, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	changed.Secret = "changed by a caller"
	if got, err := p.Find(ctx, c.ID); err != nil || got.Secret == changed.Secret {
		t.Errorf("a caller's change of its client reached the next caller, %v", err)
	}
	undone := errors.New("undone")
	err = h.Store.Update(ctx, func(tx store.Tx) error {
		raw, err := tx.Get("client/" + string(c.ID))
		if err != nil {
			return err
		}
		if err := tx.Delete("client/" + string(c.ID)); err != nil {
			return err
		}
		if got, err := p.Get(tx, c.ID); err != nil || got != nil {
			t.Errorf("a deleted client: got %v, %v", got, err)
		}
		if err := tx.Put("client/"+string(c.ID), raw); err != nil {
			return err
		}
		read(tx)
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
}

// More clients than are kept in memory are all found.
func TestFind_FindsMoreClientsThanAreInMemory(t *testing.T) {
	_, p := open(t)
	ctx := context.Background()
	var ids []client.ID
	for i := range 300 {
		c, err := p.Register(ctx, by, client.Registration{Name: fmt.Sprintf("Planning %d", i), Redirects: []string{"https://a.example/"}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	for range 2 {
		for i, id := range ids {
			if c, err := p.Find(ctx, id); err != nil || c == nil || c.ID != id || c.Name != fmt.Sprintf("Planning %d", i) {
				t.Fatalf("client %d: got %+v, %v", i, c, err)
			}
		}
	}
	if c, err := p.Find(ctx, "unknown"); err != nil || c != nil {
		t.Errorf("an unknown client: got %+v, %v", c, err)
	}
}
