// Package mail owns what is waiting to be sent: messages stored in the Update of the act that causes them,
// and the way to the mail server. It knows no wording (a Renderer has that) and does not decide who is told what; how
// often something is tried belongs to internal/outbox.
package mail

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"barillet/internal/outbox"
	"barillet/store"
)

// Row is one message on its way.
type Row struct {
	Template string          `json:"template"`
	Lang     string          `json:"lang"`
	To       []string        `json:"to"` // Queue makes one row of each address
	Data     json.RawMessage `json:"data,omitempty"`
	// MessageID is the same at each attempt, so that a receiver can tell a repeat. Queue sets it.
	MessageID string    `json:"message_id"`
	Queued    time.Time `json:"queued"`
	// NotBefore is when it may be tried next; zero is at once.
	NotBefore time.Time `json:"not_before,omitzero"`
	// UselessAfter is when what it says has no worth any more, such as a link that ended. Zero is never.
	UselessAfter time.Time `json:"useless_after,omitzero"`
	// Notice marks the news of a completed act. Notices with the same Key, address and language are joined
	// where more than ten wait, or where they were held: queued with a NotBefore of Queued+HoldFor.
	Notice bool   `json:"notice,omitempty"`
	Key    string `json:"key,omitempty"`

	Attempts    int       `json:"attempts,omitempty"`
	Tried       time.Time `json:"tried,omitzero"`
	LastError   string    `json:"last_error,omitempty"`  // without links
	Unreachable bool      `json:"unreachable,omitempty"` // the last attempt failed by the server, not by this message
	// Dead is given up. Its Data is gone: nothing that could be used stays in a dead letter.
	Dead bool      `json:"dead,omitempty"`
	Died time.Time `json:"died,omitzero"`
}

// HoldFor is how far in the future a notice beyond the limit is queued, so that it meets others to be joined.
const HoldFor = 15 * time.Minute

// MaxAddresses is how many addresses one Queue takes.
const MaxAddresses = 4

// Outbox is the messages in the store.
type Outbox struct {
	table store.Table[Row]
	host  string
	bulk  bulk
}

// NewOutbox returns the outbox kept under store.Outbox. The host is that of the public URL and stands in
// every Message-ID: the machine's own name is nobody's business.
func NewOutbox(ring *store.Keyring, host string) *Outbox {
	return &Outbox{table: store.NewTable[Row](ring, store.Outbox), host: host}
}

const stamp = "20060102T150405.000000000Z"

// NewID draws the id of a message queued now. It is drawn before the Update that queues it.
func NewID(now time.Time) string {
	return now.UTC().Format(stamp) + "-" + strings.ToLower(rand.Text())
}

// Queue stores a message in the Update of its cause: one row for each address, so that one bad address does
// not keep the other from being told, and neither sees the other. It touches as many keys as addresses. The
// sender is woken after the Update, not in it.
func (o *Outbox) Queue(tx store.Tx, id string, row Row) error {
	if row.Template == "" || len(row.To) == 0 || len(row.To) > MaxAddresses || row.Queued.IsZero() {
		return fmt.Errorf("queuing mail %q: %d addresses, queued at %v", row.Template, len(row.To), row.Queued)
	}
	for i, to := range row.To {
		one := row
		one.To = []string{to}
		key := id
		if i > 0 {
			key += "." + strconv.Itoa(i)
		}
		one.MessageID = o.messageID(key)
		if err := o.table.Put(tx, key, one); err != nil {
			return fmt.Errorf("queuing mail %q: %w", row.Template, err)
		}
	}
	return nil
}

// messageID is made of the random part of the id (RFC 5322 section 3.6.4).
func (o *Outbox) messageID(key string) string {
	_, random, _ := strings.Cut(key, "-")
	host := o.host
	if host == "" {
		host = "localhost"
	}
	return random + "@" + host
}

// Item is a row as it may be shown: without text, link or code.
type Item struct {
	ID           string
	Template     string
	Lang         string
	To           string
	Queued       time.Time
	NotBefore    time.Time
	UselessAfter time.Time
	Tried        time.Time
	Attempts     int
	LastError    string
	Dead         bool
	Died         time.Time
}

// List selects what Items returns.
type List struct {
	Dead  bool   // dead letters only
	After string // the cursor of an earlier call
	Limit int    // 1 to 500; 0 means 100
}

// Items returns what waits and what was given up, oldest first, and a cursor for more (empty at the end).
func (o *Outbox) Items(s store.Snapshot, list List) (items []Item, next string, err error) {
	items, next, err = outbox.List(s, o.table, "", list.After, list.Limit, func(id string, row Row) (Item, bool) {
		return row.item(id), row.Dead || !list.Dead
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing outbox: %w", err)
	}
	return items, next, nil
}

func (r Row) item(id string) Item {
	return Item{ID: id, Template: r.Template, Lang: r.Lang, To: strings.Join(r.To, ", "), Queued: r.Queued, NotBefore: r.NotBefore,
		UselessAfter: r.UselessAfter, Tried: r.Tried, Attempts: r.Attempts, LastError: r.LastError, Dead: r.Dead, Died: r.Died}
}

var _ outbox.Row[Row] = Row{}

// Lane is the same for all: there is one mail server.
func (r Row) Lane() string { return "" }

// Try is how far the message has come.
func (r Row) Try() outbox.Try {
	return outbox.Try{Queued: r.Queued, NotBefore: r.NotBefore, UselessAfter: r.UselessAfter, Attempts: r.Attempts, Tried: r.Tried,
		LastError: r.LastError, Unreachable: r.Unreachable, Dead: r.Dead, Died: r.Died}
}

// WithTry is the message after a further try. Of one that is given up what it would have said is gone.
func (r Row) WithTry(t outbox.Try) Row {
	r.Queued, r.NotBefore, r.UselessAfter, r.Attempts, r.Tried = t.Queued, t.NotBefore, t.UselessAfter, t.Attempts, t.Tried
	r.LastError, r.Unreachable, r.Dead, r.Died = t.LastError, t.Unreachable, t.Dead, t.Died
	if t.Dead {
		r.Data = nil
	}
	return r
}
