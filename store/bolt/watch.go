package bolt

import (
	"strings"
	"sync"
)

// watches are the functions that are called after commits. The zero value is empty.
type watches struct {
	mu  sync.Mutex
	all []watch
}

type watch struct {
	prefix string
	fn     func(keys []string)
}

func (w *watches) add(prefix string, fn func(keys []string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, watch{prefix, fn})
}

// notify calls each watch with the keys that the changes of one commit wrote.
func (w *watches) notify(changes []*change) {
	w.mu.Lock()
	all := w.all // add never changes what is in it
	w.mu.Unlock()
	for _, one := range all {
		var keys []string
		for _, c := range changes {
			for key := range c.run.Writes() {
				if strings.HasPrefix(key, one.prefix) {
					keys = append(keys, key)
				}
			}
		}
		if keys != nil {
			one.fn(keys)
		}
	}
}
