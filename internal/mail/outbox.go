// Package mail stores messages in the Update of the operation that causes them, and sends them to a mail server by SMTP.
// It does not contain the text of messages (a Renderer does) and does not decide who receives one. The schedule of
// attempts belongs to package internal/outbox.
package mail

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/store"
)

// Message is a stored message.
type Message struct {
	Template string          `json:"template"`
	Lang     string          `json:"lang"`
	To       []string        `json:"to"` // Queue stores one message for each address
	Data     json.RawMessage `json:"data,omitempty"`
	// MessageID is set by Queue. It is the same in each attempt, so that a server can recognize a repeated message
	// (promise D5).
	MessageID string `json:"message_id"`
	// Rank is the lane of the message. The zero value is the lane of tickets and security notifications.
	Rank   audit.Lane `json:"lane,omitempty"`
	Queued time.Time  `json:"queued"`
	// NotBefore is the earliest time of the next attempt. Zero means at once.
	NotBefore time.Time `json:"not_before,omitzero" since:"Queued,Tried"`
	// ExpiresAt is the time from which the message has no use, such as the expiry of its link. Zero means never.
	ExpiresAt time.Time `json:"expires_at,omitzero" since:"Queued"`
	// Recipient is the id of the user who receives the message. It is empty for another recipient, such as support.
	Recipient string `json:"recipient,omitempty"`
	// Notice marks a notification. Notifications with the same Recipient, address and language are joined if more than ten
	// wait, or if they were held: queued with a NotBefore of Queued+DigestDelay (protocol rule 18).
	Notice bool `json:"notice,omitempty"`

	AttemptCount int       `json:"attempts,omitempty"`
	Tried        time.Time `json:"tried,omitzero"`
	LastError    string    `json:"last_error,omitempty"`  // one short line without links
	Unreachable  bool      `json:"unreachable,omitempty"` // the last attempt failed with ErrUnreachable
	// Dead marks a dead letter. It has no Data if it has ExpiresAt, because that Data can contain a link or code that signs in.
	Dead bool      `json:"dead,omitempty"`
	Died time.Time `json:"died,omitzero"`
}

// DigestDelay is the delay of a notification beyond the limit, so that it can be joined with others.
const DigestDelay = 15 * time.Minute

// MaxAddresses is the maximum of addresses in one call of Queue.
const MaxAddresses = 4

// Outbox contains the messages in the store.
type Outbox struct {
	table store.Table[Message]
	host  string
	bulk  bulk
}

// NewOutbox returns the outbox in the table store.Outbox. The host of the public URL is used in each Message-ID instead of
// the name of the machine.
func NewOutbox(ring *store.Keyring, host string) *Outbox {
	return &Outbox{table: store.NewTable[Message](ring, store.Outbox), host: host}
}

// Queue stores a copy of message for each of its addresses, so that one address does not affect or see another. It uses
// one key of the Update for each address.
func (o *Outbox) Queue(tx store.Tx, id string, message Message) error {
	if message.Template == "" || len(message.To) == 0 || len(message.To) > MaxAddresses || message.Queued.IsZero() {
		return fmt.Errorf("queuing mail %q: %d addresses, queued at %v", message.Template, len(message.To), message.Queued)
	}
	for i, to := range message.To {
		one := message
		one.To = []string{to}
		key := id
		if i > 0 {
			key += "." + strconv.Itoa(i)
		}
		one.MessageID = o.messageID(key)
		if err := o.table.Put(tx, key, one); err != nil {
			return fmt.Errorf("queuing mail %q: %w", message.Template, err)
		}
	}
	return nil
}

// messageID returns a Message-ID with the random part of a key (RFC 5322 §3.6.4).
func (o *Outbox) messageID(key string) string {
	_, random, _ := strings.Cut(key, "-")
	host := o.host
	if host == "" {
		host = "localhost"
	}
	return random + "@" + host
}

// MessageInfo is a stored message without its data, which can contain a secret.
type MessageInfo struct {
	ID        string
	Template  string
	Lang      string
	To        string
	Recipient string
	Queued    time.Time
	NotBefore time.Time
	ExpiresAt time.Time
	Tried     time.Time
	Attempts  int
	LastError string
	Dead      bool
	Died      time.Time
	Emptied   bool // it has no data, so it cannot be sent
}

// List selects the messages that Items returns.
type List struct {
	Dead  bool   // dead letters only
	After string // the cursor of an earlier call
	Limit int    // 1 to 500; 0 means 100
}

// Items returns a page of waiting messages and dead letters, oldest first, and a cursor for the next page (empty at the
// end).
func (o *Outbox) Items(s store.Snapshot, list List) (items []MessageInfo, next string, err error) {
	items, next, err = outbox.List(s, o.table, "", list.After, list.Limit, func(id string, message Message) (MessageInfo, bool) {
		return message.item(id), message.Dead || !list.Dead
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing outbox: %w", err)
	}
	return items, next, nil
}

func (r Message) item(id string) MessageInfo {
	return MessageInfo{ID: id, Template: r.Template, Lang: r.Lang, To: strings.Join(r.To, ", "), Recipient: r.Recipient, Queued: r.Queued, NotBefore: r.NotBefore,
		ExpiresAt: r.ExpiresAt, Tried: r.Tried, Attempts: r.AttemptCount, LastError: r.LastError, Dead: r.Dead, Died: r.Died,
		Emptied: len(r.Data) == 0}
}

// SweepUseless returns the sweep of the messages to users for which useless returns true. useless may read two records.
func (o *Outbox) SweepUseless(useless func(r store.Reader, m MessageInfo) (bool, error)) store.TableSweep {
	return store.NewDependentSweep(o.table, func(r store.Reader, id string, m Message) (bool, error) {
		if m.Recipient == "" {
			return false, nil
		}
		return useless(r, m.item(id))
	})
}

var _ outbox.Job[Message] = Message{}

// Destination returns "": all messages go to one mail server.
func (r Message) Destination() string { return "" }

// Lane returns the lane of the message.
func (r Message) Lane() audit.Lane { return r.Rank }

// Attempts returns the state of the delivery.
func (r Message) Attempts() outbox.Attempts {
	return outbox.Attempts{Queued: r.Queued, NotBefore: r.NotBefore, ExpiresAt: r.ExpiresAt, Count: r.AttemptCount, Tried: r.Tried,
		LastError: r.LastError, Unreachable: r.Unreachable, Dead: r.Dead, Died: r.Died}
}

// WithAttempts returns the message with another state. It removes the data of a dead letter that expires.
func (r Message) WithAttempts(t outbox.Attempts) Message {
	r.Queued, r.NotBefore, r.ExpiresAt, r.AttemptCount, r.Tried = t.Queued, t.NotBefore, t.ExpiresAt, t.Count, t.Tried
	r.LastError, r.Unreachable, r.Dead, r.Died = t.LastError, t.Unreachable, t.Dead, t.Died
	if t.Dead && !t.ExpiresAt.IsZero() {
		r.Data = nil
	}
	return r
}
