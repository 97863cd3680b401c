package storetest

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"testing"

	"barillet/store"
)

// RejectNesting wraps a store. A View or an Update inside the closure of another, in one goroutine, fails the test
// and panics. A back-end with one writer would wait for itself instead.
func RejectNesting(t testing.TB, s store.Store) store.Store { return &flat{Store: s, t: t} }

type flat struct {
	store.Store
	t      testing.TB
	inside sync.Map // ids of the goroutines that run a closure
}

func (f *flat) View(ctx context.Context, fn func(store.Snapshot) error) error {
	f.check("View")
	return f.Store.View(ctx, func(snap store.Snapshot) error {
		defer f.enter()()
		return fn(snap)
	})
}

func (f *flat) Update(ctx context.Context, fn func(store.Tx) error) error {
	f.check("Update")
	return f.Store.Update(ctx, func(tx store.Tx) error {
		defer f.enter()()
		return fn(tx)
	})
}

func (f *flat) check(call string) {
	if _, nested := f.inside.Load(goroutine()); nested {
		message := "storetest: " + call + " inside the closure of another View or Update"
		f.t.Error(message)
		panic(message)
	}
}

func (f *flat) enter() (leave func()) {
	id := goroutine()
	f.inside.Store(id, true)
	return func() { f.inside.Delete(id) }
}

// goroutine returns the id of the calling goroutine, from the first line of its stack: "goroutine 17 [running]:".
func goroutine() string {
	var line [32]byte
	head := line[:runtime.Stack(line[:], false)]
	return string(bytes.Fields(head)[1])
}
