package audit

import (
	"cmp"
	"container/heap"
	"strings"

	"barillet/store"
)

// A stream is a part of the log, in the order of a query. Scan merges streams: each of one entity of the index, or the log, and those
// that wait for a number.
type stream struct {
	// read returns at most n events after one of them, or the first ones. It returns fewer only at the end.
	read    func(after string, n int) ([]candidate, error)
	subject string // the user whom all events are about, or ""

	next  []candidate
	last  string // the last event that was read
	size  int    // of the last read
	ended bool
}

// candidate is an event of a stream. record is nil if only its id was read.
type candidate struct {
	id     string
	record *Record
}

// maxChunk is the maximum of events that a stream reads at once. It begins with few, and doubles.
const maxChunk = 256

// fill reads the next events, if there are none.
func (st *stream) fill() error {
	if len(st.next) > 0 || st.ended {
		return nil
	}
	st.size = min(max(1, 2*st.size), maxChunk)
	var err error
	if st.next, err = st.read(st.last, st.size); err != nil {
		return err
	}
	if st.ended = len(st.next) < st.size; len(st.next) > 0 {
		st.last = st.next[len(st.next)-1].id
	}
	return nil
}

// merged is a heap of streams that have events. It implements heap.Interface.
type merged struct {
	streams    []*stream
	descending bool
}

func (m *merged) Len() int { return len(m.streams) }
func (m *merged) Less(i, j int) bool {
	order := cmp.Compare(m.streams[i].next[0].id, m.streams[j].next[0].id)
	return order < 0 != m.descending
}
func (m *merged) Swap(i, j int) { m.streams[i], m.streams[j] = m.streams[j], m.streams[i] }
func (m *merged) Push(x any)    { m.streams = append(m.streams, x.(*stream)) }
func (m *merged) Pop() any      { panic("not used") }

// merge returns the streams merged.
func merge(streams []*stream, descending bool) (*merged, error) {
	m := &merged{descending: descending}
	for _, st := range streams {
		if err := st.fill(); err != nil {
			return nil, err
		}
		if len(st.next) > 0 {
			m.streams = append(m.streams, st)
		}
	}
	heap.Init(m)
	return m, nil
}

// first returns the stream with the next event, or nil at the end.
func (m *merged) first() *stream {
	if len(m.streams) == 0 {
		return nil
	}
	return m.streams[0]
}

// advance leaves out the event of the first stream, or with it all others of that stream.
func (m *merged) advance(whole bool) error {
	st := m.streams[0]
	st.next = st.next[1:]
	var err error
	if !whole {
		err = st.fill()
	}
	if whole || len(st.next) == 0 {
		last := len(m.streams) - 1
		m.streams[0], m.streams = m.streams[last], m.streams[:last]
	}
	if len(m.streams) > 0 {
		heap.Fix(m, 0)
	}
	return err
}

// span is the part of the log that a query reads: the ids between two others, of which each may be empty.
type span struct {
	low, high  string
	descending bool
}

// start returns the id from which a scan begins.
func (p span) start(after string) string {
	switch {
	case after != "":
		return after
	case p.descending:
		return p.high
	}
	return p.low
}

// beyond reports whether a scan has left the part.
func (p span) beyond(id string) bool {
	if p.descending {
		return id <= p.low
	}
	return p.high != "" && id >= p.high
}

// indexed returns the events that the index lists for an entity in one class.
func (l Log) indexed(s store.Snapshot, p span, cost *int, entity, class string) *stream {
	sub := entriesOf(entity, class)
	scan := l.entities.Scan
	if p.descending {
		scan = l.entities.ScanBack
	}
	return &stream{read: func(after string, n int) (out []candidate, err error) {
		from := p.start(after)
		if from != "" {
			from = sub + from
		}
		read := 1
		err = scan(s, sub, from, n, func(entry string) error {
			read++
			if id := strings.TrimPrefix(entry, sub); !p.beyond(id) {
				out = append(out, candidate{id: id})
				return nil
			}
			return store.ErrStop
		})
		*cost += (read + 15) / 16
		return out, err
	}}
}

// whole returns the events with a number.
func (l Log) whole(s store.Snapshot, p span) *stream {
	scan := l.table.Scan
	if p.descending {
		scan = l.table.ScanBack
	}
	return &stream{read: func(after string, n int) (out []candidate, err error) {
		err = scan(s, "", p.start(after), n, func(id string, r Record) error {
			if p.beyond(id) {
				return store.ErrStop
			}
			out = append(out, candidate{id, &r})
			return nil
		})
		return out, err
	}}
}

// waiting returns the events without a number that keep selects. There are those of a second.
func (l Log) waiting(s store.Snapshot, p span, cost *int, keep func(e *Event) bool) *stream {
	scan := l.pending.Scan
	if p.descending {
		scan = l.pending.ScanBack
	}
	return &stream{read: func(after string, n int) (out []candidate, err error) {
		err = scan(s, "", p.start(after), 0, func(id string, w Pending) error {
			if p.beyond(id) || len(out) == n {
				return store.ErrStop
			}
			*cost++
			if e, err := w.Record.Event(id); err == nil && keep(&e) {
				out = append(out, candidate{id, &w.Record})
			}
			return nil
		})
		return out, err
	}}
}
