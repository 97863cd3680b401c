package e2e_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"barillet/internal/audit"
)

// besieged is an Env that is under attack in a test. A webhook receiver works, a user signs in as usual, and another has sent
// a help request.
type besieged struct {
	*Env
	receiver       *Receiver
	honest, victim *Member
	requests       map[string]string // text by reference
	disk           int64             // bytes before the attack
	visits         int
}

// besiege starts a program with further lines of the configuration.
func besiege(t *testing.T, config string) *besieged {
	t.Helper()
	h := Open(t, EnvOptions{Config: proxied + "\noutbound.allow = [\"127.0.0.1\"]\n" + config})
	b := &besieged{Env: h, receiver: StartReceiver(t), requests: map[string]string{}}
	h.subscribe(b.receiver)
	b.honest, b.victim = h.Member(t, "karim@garage.example"), h.Member(t, "amelie@garage.example")
	b.asks(t)
	b.begins()
	return b
}

// begins notes the disk space before an attack. The log moves new events for some seconds, so it waits until the newest one is in
// a signed head.
func (b *besieged) begins() {
	b.tb.Helper()
	var newest []struct {
		ID string `json:"uuid"`
	}
	b.Admin.Call("GET", "/logs?limit=1&sortOrder=DESCENDING", nil).Want(200).Into(&newest)
	if len(newest) != 1 {
		b.tb.Fatalf("got %v, want the newest event", newest)
	}
	b.Run("audit", "prove", newest[0].ID).OK(b.tb)
	b.disk = b.used()
}

// used returns the disk space of the data directory. The size of a file is no measure, because the store enlarges its file in
// large steps.
func (b *besieged) used() (bytes int64) {
	b.tb.Helper()
	err := filepath.WalkDir(b.Data, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	if err != nil {
		b.tb.Fatal(err)
	}
	return bytes
}

// visitor returns a new browser at a new address.
func (b *besieged) visitor(t *testing.T) *Visitor {
	b.visits++
	return b.from(t, b.visits)
}

// asks sends a help request of the victim from a borrowed browser, and returns its reference.
func (b *besieged) asks(t *testing.T) string {
	t.Helper()
	text := fmt.Sprintf("On m’a volé mon téléphone au comptoir %d.", len(b.requests))
	page := b.visitor(t).Post("/help/request", "email", b.victim.Login, "topic", "phone_lost", "message", text)
	reference := referenceShape.FindString(page.Body)
	if reference == "" {
		t.Fatalf("the help request of the victim has no reference: %d %s", page.Status, page.words())
	}
	b.requests[reference] = text
	return reference
}

// flood runs workers for floodTime. Each calls send with its number and that of the request, and send reports whether the
// request was refused with 429.
func (b *besieged) flood(t *testing.T, workers int, send func(worker, n int) (limited bool)) (sent, limited int64) {
	t.Helper()
	var all, refused atomic.Int64
	var flood sync.WaitGroup
	ends := time.Now().Add(floodTime)
	for worker := range workers {
		flood.Go(func() {
			for n := 0; time.Now().Before(ends); n++ {
				if send(worker, n) {
					refused.Add(1)
				}
				all.Add(1)
			}
		})
	}
	flood.Wait()
	t.Logf("%d requests, of which %d were limited", all.Load(), refused.Load())
	return all.Load(), refused.Load()
}

// holds checks what must be true after an attack: the disk did not fill, users sign in, the receiver has each security event,
// and the texts of the victim are in the queue of help requests.
func (b *besieged) holds(t *testing.T) {
	t.Helper()
	if grown := b.used() - b.disk; grown > mebibyte {
		t.Errorf("the data directory grew by %d bytes, want 1 MiB at most", grown)
	}
	b.signsIn(t)
	b.garage(fmt.Sprintf("Garage d’après %d", len(b.requests)))
	b.delivered(t)
	b.asks(t)
	for reference, text := range b.requests {
		var found []struct {
			Email string
			Texts []struct{ Reference, Message string }
		}
		b.Admin.Call("GET", "/help-requests?reference="+reference, nil).Want(200).Into(&found)
		if len(found) != 1 || found[0].Email != b.victim.Login {
			t.Errorf("got %+v, want the request %s of the victim", found, reference)
			continue
		}
		whole := false
		for _, x := range found[0].Texts {
			whole = whole || x.Reference == reference && x.Message == text
		}
		if !whole {
			t.Errorf("got %+v, want the text %s: %s", found[0].Texts, reference, text)
		}
	}
}

// signsIn checks that a user signs in quickly.
func (b *besieged) signsIn(t *testing.T) {
	t.Helper()
	b.honest.quickly(b.Env, "under attack", func() *Visitor { return b.visitor(t) })
}

// delivered waits until the receiver has each security event since it subscribed.
func (b *besieged) delivered(t *testing.T) {
	t.Helper()
	subscribed, wanted := false, 0
	for page := "/logs"; page != ""; {
		var events []struct {
			UUID, EventType string
			Outcome         struct{ Result string }
		}
		answer := b.Admin.Call("GET", page, nil).Want(200).Into(&events)
		for _, e := range events {
			subscribed = subscribed || e.EventType == audit.WebhookCreated
			if event := (audit.Event{Action: e.EventType, Outcome: e.Outcome.Result}); subscribed && event.Lane() == audit.LaneSecurity {
				wanted++
				b.receiver.until(t, e.EventType+" "+e.UUID, func() bool { return b.receiver.events[e.UUID] == e.EventType })
			}
		}
		if page = nextPage(answer); len(events) == 0 {
			break
		}
	}
	if wanted < 5 {
		t.Errorf("got %d security events: nothing is proven", wanted)
	}
}

// try sends a request of a flood, and reports whether it was limited.
func (v *Visitor) try(path string, fields ...string) bool {
	page, err := v.Try(path, fields...)
	return err == nil && page.Status == http.StatusTooManyRequests
}

// token makes an API token. A nil list of groups is no limit.
func (b *besieged) token(name, role string, groups []string) *API {
	b.tb.Helper()
	var made struct{ Token string }
	b.Admin.Call("POST", "/api-tokens", map[string]any{"name": name, "role": role, "groups": groups}).Want(201).Into(&made)
	return b.API(b.Secret("token "+name, made.Token))
}
