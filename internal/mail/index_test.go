package mail_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/internal/mail"
	"barillet/store"
	"barillet/store/storetest"
)

// fill queues n messages to different users.
func (h *env) fill(n int, message mail.Message) {
	h.t.Helper()
	message.Queued, message.Lang = h.clock(), "fr"
	for i := 0; i < n; i += 50 {
		err := h.store.Update(h.t.Context(), func(tx store.Tx) error {
			for j := i; j < min(i+50, n); j++ {
				message.To = []string{fmt.Sprintf("u%d@garage.test", j)}
				if err := h.outbox.Queue(tx, store.NewTimeID(h.clock()), message); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// count makes the sender use a store that counts what it reads.
func (h *env) count() *storetest.Reads {
	c := storetest.CountReads(h.store, "")
	h.store = c
	return c
}

func TestSender_ReadsOnlyWhatIsNewWhileTenThousandMessagesWait(t *testing.T) {
	for name, transport := range map[string]mail.Transport{"no server": nil, "server is down": transport(func(mail.Envelope) error { return mail.ErrUnreachable })} {
		t.Run(name, func(t *testing.T) {
			h := newEnv(t, nil)
			reads := h.count()
			h.start(transport)
			h.fill(10_000, mail.Message{Template: "notice", Notice: true})
			h.pass()
			reads.Reset()
			for range 100 {
				h.queue(mail.Message{Template: "ticket"})
				h.pass()
			}
			if got := reads.Records(); got > 200 {
				t.Errorf("read %d records for 100 new messages", got)
			}
		})
	}
}

func TestSender_ReadsNothingWhileNothingChanges(t *testing.T) {
	h := newEnv(t, nil)
	reads := h.count()
	h.start(nil)
	h.fill(1000, mail.Message{Template: "notice", NotBefore: start.Add(24 * time.Hour)})
	h.pass()
	reads.Reset()
	for range 100 {
		h.wait(10 * time.Second)
		h.pass()
	}
	if got := reads.Views(); got != 0 {
		t.Errorf("the sender opened %d Views", got)
	}
}

// run runs the sender until the test ends.
func (h *env) run() {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- h.sender.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}

// taken is a transport that keeps the subjects that it sent.
type taken struct {
	mu       sync.Mutex
	subjects []string
}

func (s *taken) Send(_ context.Context, e mail.Envelope) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subjects = append(s.subjects, e.Subject)
	return nil
}

func (s *taken) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.subjects, ",")
}

func TestSender_SendsAtOnceWhatAnyPackageStores(t *testing.T) {
	box := &taken{}
	h := newEnv(t, box)
	h.run()
	h.fill(1, mail.Message{Template: "first"})
	waitFor(t, func() bool { return box.all() == "first fr" })
	h.fill(1, mail.Message{Template: "second"})
	waitFor(t, func() bool { return box.all() == "first fr,second fr" })
}

// A message with an earlier id can be committed after one with a later id.
func TestSender_SendsAMessageThatIsCommittedLate(t *testing.T) {
	box := &taken{}
	h := newEnv(t, box)
	early := store.NewTimeID(h.clock())
	h.wait(time.Second)
	h.queue(mail.Message{Template: "later"})
	h.pass()
	err := h.store.Update(t.Context(), func(tx store.Tx) error {
		return h.outbox.Queue(tx, early, mail.Message{Template: "early", Lang: "fr", To: []string{"paul@garage.test"}, Queued: start})
	})
	if err != nil {
		t.Fatal(err)
	}
	h.pass()
	if got := box.all(); got != "later fr,early fr" {
		t.Errorf("got %s sent, want both", got)
	}
}

func TestSender_SendsWhenTheClockReachesTheTime(t *testing.T) {
	box := &taken{}
	h := newEnv(t, box)
	h.queue(mail.Message{Template: "later", NotBefore: start.Add(2 * time.Hour)})
	h.queue(mail.Message{Template: "soon", NotBefore: start.Add(time.Hour)})
	if next := h.pass(); !next.Equal(start.Add(time.Hour)) {
		t.Errorf("got the next pass at %v, want in an hour", next)
	}
	h.wait(time.Hour - 1)
	h.pass()
	if got := box.all(); got != "" {
		t.Errorf("sent %s too early", got)
	}
	h.wait(1)
	h.pass()
	h.start(box) // a restart
	h.wait(time.Hour)
	h.pass()
	if got := box.all(); got != "soon fr,later fr" {
		t.Errorf("got %s sent, want both in order", got)
	}
}

// No other reader corrects the record, and the sender has its time in memory.
func TestSender_FollowsAClockThatIsSetBack(t *testing.T) {
	box := &taken{}
	s, ring := open(t, t.TempDir(), store.NewRootKeys())
	h := &env{t: t, outbox: mail.NewOutbox(ring, "login.test"), now: start.Add(3 * time.Hour), log: new(strings.Builder)}
	h.store = ring.CorrectTimes(s, h.clock)
	h.start(box)
	h.queue(mail.Message{Template: "ticket", NotBefore: h.clock().Add(time.Hour)})
	h.pass()
	h.wait(-3 * time.Hour)
	h.pass()
	h.wait(time.Hour)
	h.pass()
	if got := box.all(); got != "ticket fr" {
		t.Errorf("got %q sent an hour after the clock was set back, want the ticket", got)
	}
}

func TestSender_DoesNotSendWhatWasDeletedMeanwhile(t *testing.T) {
	box := &taken{}
	h := newEnv(t, box)
	h.queue(mail.Message{Template: "kept", NotBefore: start.Add(time.Hour)})
	h.queue(mail.Message{Template: "dropped", NotBefore: start.Add(time.Hour), Recipient: "u1"})
	h.pass()
	sweep := h.outbox.SweepUseless(func(store.Reader, mail.MessageInfo) (bool, error) { return true, nil })
	ids := h.items(false)
	if err := sweep.Delete(t.Context(), h.store, []string{ids[0].ID, ids[1].ID}, func() {}); err != nil {
		t.Fatal(err)
	}
	h.wait(time.Hour)
	h.pass()
	if got := box.all(); got != "kept fr" || len(h.items(false)) != 0 {
		t.Errorf("got %s sent and %v left", got, h.items(false))
	}
}

// A digest must not contain a notification that was deleted while it was made, such as that of an erased user.
func TestDigest_LeavesOutWhatWasDeletedMeanwhile(t *testing.T) {
	box := &taken{}
	h := newEnv(t, box)
	for i := range 12 {
		h.queue(mail.Message{Template: fmt.Sprintf("notice%d", i), Notice: true, Recipient: "u1"})
	}
	deleted := false
	h.sender.Renderer = renderFunc(func(template string) {
		if template == mail.DigestTemplate && !deleted {
			deleted = true
			sweep := h.outbox.SweepUseless(func(store.Reader, mail.MessageInfo) (bool, error) { return true, nil })
			var ids []string
			for _, item := range h.items(false) {
				ids = append(ids, item.ID)
			}
			if err := sweep.Delete(t.Context(), h.store, ids, func() {}); err != nil {
				t.Error(err)
			}
		}
	})
	h.pass()
	if got := box.all(); !deleted || got != "" || len(h.items(false)) != 0 {
		t.Errorf("got %q sent and %d left, want nothing", got, len(h.items(false)))
	}
}

// renderFunc is a Renderer that calls a function.
type renderFunc func(template string)

func (f renderFunc) Render(template, lang string, data []byte) (subject, text, html string, err error) {
	f(template)
	return words{}.Render(template, lang, data)
}

func TestSender_IndexNeedsLittleMemory(t *testing.T) {
	h := newEnv(t, nil)
	h.fill(10_000, mail.Message{Template: "notice", Notice: true, Data: json.RawMessage(`"` + strings.Repeat("x", 4000) + `"`)})
	before := heapSize()
	h.pass()
	if got := (heapSize() - before) / 10_000; got > 600 {
		t.Errorf("a waiting message needs %d bytes of memory", got)
	} else {
		t.Logf("a waiting message needs %d bytes of memory", got)
	}
}

// heapSize returns the bytes of the live heap.
func heapSize() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
