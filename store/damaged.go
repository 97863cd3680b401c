package store

import "sync"

// maxDamaged limits the records that are reported and counted.
const maxDamaged = 1000

// damagedRecords are the records that were read and cannot be decrypted or decoded.
type damagedRecords struct {
	mu     sync.Mutex
	known  map[string]bool // by key
	report func(record string, err error)
}

// OnDamagedRecord sets a function that is called once for each record that cannot be read. The name of the record is its key,
// without an address or name of a user. Call it before the tables are used.
func (r *Keyring) OnDamagedRecord(report func(record string, err error)) { r.damage.report = report }

// DamagedRecords returns the number of the records that could not be read since the start, at most 1,000.
func (r *Keyring) DamagedRecords() int {
	r.damage.mu.Lock()
	defer r.damage.mu.Unlock()
	return len(r.damage.known)
}

func (d *damagedRecords) add(kind TableDef, id string, err error) {
	d.mu.Lock()
	known := d.known[kind.Prefix+id] || len(d.known) == maxDamaged
	if !known {
		if d.known == nil {
			d.known = map[string]bool{}
		}
		d.known[kind.Prefix+id] = true
	}
	d.mu.Unlock()
	if known || d.report == nil {
		return
	}
	if kind == Addresses || kind == Placeholders { // the id is an address
		id = ""
	}
	d.report(kind.Prefix+id, err)
}
