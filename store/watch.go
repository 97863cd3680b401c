package store

// Watch calls fn after each commit that changed records of the table, with their ids: see Store.Watch.
func (t *table) Watch(s Store, fn func(ids []string)) {
	s.Watch(t.kind.Prefix, func(keys []string) {
		for i, key := range keys {
			keys[i] = key[len(t.kind.Prefix):]
		}
		fn(keys)
	})
}
