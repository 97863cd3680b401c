package mail

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"barillet/store"
)

// DigestTemplate is the template of a digest. Its data is a Joined.
const DigestTemplate = "digest"

// Digest is a digest of notifications, oldest first.
type Digest struct {
	Entries []DigestEntry `json:"entries"`
	Freeze  string        `json:"freeze,omitempty"` // link of the newest notification that has one
}

// DigestEntry is one notification in a digest: its subject and the time at which it was queued.
type DigestEntry struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
}

const (
	joinAbove = 10 // more notifications than this to one address are joined
	maxJoined = 50 // notifications in one digest, so that they fit in one Update
)

// join replaces the notifications to one address by a digest, if there are more than ten or if several were held. Held
// notifications are sent with the first one that is due. The digest is stored before it is sent, so that each attempt has the same
// Message-ID. join reports whether it replaced messages.
func (s *Sender) join(ctx context.Context, now time.Time, all []pending) (joined bool, err error) {
	if len(all) <= joinAbove && count(all, Message.held) < 2 {
		return false, nil
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	for part := range slices.Chunk(all, maxJoined) {
		one, err := s.joinPart(ctx, now, part)
		if joined = joined || one; err != nil {
			return joined, err
		}
	}
	return joined, nil
}

func (s *Sender) joinPart(ctx context.Context, now time.Time, part []pending) (joined bool, err error) {
	var data Digest
	for _, p := range part {
		subject, _, _, err := s.Renderer.Render(p.Job.Template, p.Job.Lang, p.Job.Data)
		if err != nil {
			return false, nil // the attempt of each one stores its own error
		}
		data.Entries = append(data.Entries, DigestEntry{At: p.Job.Queued, Subject: subject})
		var of Digest
		if json.Unmarshal(p.Job.Data, &of) == nil && of.Freeze != "" {
			data.Freeze = of.Freeze
		}
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return false, fmt.Errorf("joining notifications: %w", err)
	}
	first := part[0].Job
	if _, _, _, err := s.Renderer.Render(DigestTemplate, first.Lang, raw); err != nil {
		s.Log.Error("joining notifications failed, each is sent alone", "error", err)
		return false, nil
	}
	message := Message{Template: DigestTemplate, Lang: first.Lang, To: first.To, Data: raw, Queued: first.Queued, Notice: true, Recipient: first.Recipient,
		Rank: slices.MinFunc(part, func(a, b pending) int { return cmp.Compare(a.Job.Rank, b.Job.Rank) }).Job.Rank}
	return true, s.replace(ctx, part, store.NewTimeID(now), message)
}

// replace stores a digest in place of its notifications, unless one of them was deleted or given up meanwhile.
func (s *Sender) replace(ctx context.Context, part []pending, id string, digest Message) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		for _, p := range part {
			message, err := s.Outbox.table.Get(tx, p.ID)
			if there, err := store.Found(err); err != nil || !there || message.Dead {
				return err // those that are left are joined again
			}
		}
		for _, p := range part {
			if err := s.Outbox.table.Delete(tx, p.ID); err != nil {
				return fmt.Errorf("joining mail %q: %w", p.ID, err)
			}
		}
		return s.Outbox.Queue(tx, id, digest)
	})
}

// group returns a text that is equal for notifications that can be joined. It is empty for another message and a digest.
func (r Message) group() string {
	if !r.Notice || r.Template == DigestTemplate {
		return ""
	}
	return strings.Join([]string{r.Recipient, r.To[0], r.Lang}, "\x00")
}

// held reports whether the notification waits for others and was not tried yet.
func (r Message) held() bool {
	return r.AttemptCount == 0 && r.NotBefore.After(r.Queued)
}

func count(messages []pending, is func(Message) bool) (n int) {
	for _, p := range messages {
		if is(p.Job) {
			n++
		}
	}
	return n
}
