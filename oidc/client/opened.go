package client

import (
	"sync"

	"barillet/store"
)

// maxOpened is the maximum number of clients in memory, about 1 MiB.
const maxOpened = 256

// opened keeps decrypted clients, because one authorization reads its client four times. A client is decrypted again if its
// stored bytes have changed. Callers share the slices of a client and must not change their elements.
type opened struct {
	mu      sync.Mutex
	clients map[ID]*store.Cached[Client]
}

// read returns the client that r contains.
func (o *opened) read(table store.Table[Client], r store.Reader, id ID) (Client, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.clients[id]
	if kept == nil {
		kept = &store.Cached[Client]{}
	}
	c, err := table.GetCached(r, string(id), kept)
	if err != nil {
		return c, err // an unknown ID takes no place
	}
	if o.clients == nil || len(o.clients) >= maxOpened && o.clients[id] == nil {
		o.clients = map[ID]*store.Cached[Client]{}
	}
	o.clients[id] = kept
	return c, nil
}
