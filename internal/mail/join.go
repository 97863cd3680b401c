package mail

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/store"
)

// JoinedTemplate is the template of joined notices. Its data is a Joined.
const JoinedTemplate = "notices"

// Joined is the data of JoinedTemplate: what happened, oldest first.
type Joined struct {
	Notices []JoinedNotice `json:"notices"`
}

// JoinedNotice is one notice of many: the subject that it would have had and when it was queued.
type JoinedNotice struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
}

const (
	joinAbove = 10 // so many notices to one address go out one by one
	joinMost  = 50 // as many rows as one Update may touch with room to spare
)

// join puts the notices that wait for one address together, if they are more than ten or were held, and
// returns what is to be tried. Held ones go with the first of them that is due. It is done in the store
// before any of it is sent, so that what is sent twice is the same message with the same Message-ID.
func (s *Sender) join(ctx context.Context, now time.Time, due, held []pending) ([]pending, error) {
	groups := map[string][]pending{}
	var out []pending
	for _, p := range due {
		if p.Row.joins() {
			groups[p.Row.group()] = append(groups[p.Row.group()], p)
		} else {
			out = append(out, p)
		}
	}
	waiting := map[string][]pending{}
	for _, p := range held {
		if p.Row.joins() {
			waiting[p.Row.group()] = append(waiting[p.Row.group()], p)
		}
	}
	for name, group := range groups {
		all := slices.Concat(group, waiting[name])
		if len(all) <= joinAbove && count(all, Row.held) < 2 {
			out = append(out, group...)
			continue
		}
		slices.SortFunc(all, byID)
		for part := range slices.Chunk(all, joinMost) {
			joined, err := s.joinPart(ctx, now, part)
			if err != nil {
				return nil, err
			}
			out = append(out, joined...)
		}
	}
	slices.SortFunc(out, byID)
	return out, nil
}

func (s *Sender) joinPart(ctx context.Context, now time.Time, part []pending) ([]pending, error) {
	var data Joined
	for _, p := range part {
		subject, _, _, err := s.Renderer.Render(p.Row.Template, p.Row.Lang, p.Row.Data)
		if err != nil {
			return part, nil // each shows its own failure when it is tried alone
		}
		data.Notices = append(data.Notices, JoinedNotice{At: p.Row.Queued, Subject: subject})
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("joining notices: %w", err)
	}
	first := part[0].Row
	if _, _, _, err := s.Renderer.Render(JoinedTemplate, first.Lang, raw); err != nil {
		s.Log.Error("notices not joined, each is sent alone", "error", err)
		return part, nil
	}
	row := Row{Template: JoinedTemplate, Lang: first.Lang, To: first.To, Data: raw, Queued: first.Queued, Notice: true, Key: first.Key}
	id := NewID(now)
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		for _, p := range part {
			if err := s.Outbox.table.Delete(tx, p.ID); err != nil {
				return fmt.Errorf("joining mail %q: %w", p.ID, err)
			}
		}
		return s.Outbox.Queue(tx, id, row)
	})
	if err != nil {
		return nil, err
	}
	row.MessageID = s.Outbox.messageID(id)
	return []pending{{ID: id, Row: row}}, nil
}

// joins tells that the row may be put together with others. What is joined already is not joined again.
func (r Row) joins() bool { return r.Notice && r.Template != JoinedTemplate }

// group names the notices that the row may be joined with.
func (r Row) group() string { return strings.Join([]string{r.Key, r.To[0], r.Lang}, "\x00") }

// held tells that the notice was queued to wait for others, and was not tried since.
func (r Row) held() bool {
	return r.Attempts == 0 && r.NotBefore.After(r.Queued)
}

func byID(a, b pending) int { return cmp.Compare(a.ID, b.ID) }

func count(rows []pending, is func(Row) bool) (n int) {
	for _, p := range rows {
		if is(p.Row) {
			n++
		}
	}
	return n
}
