package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/store/storetest"
)

// ready asks /readyz.
func (p *Program) ready() (status int, text string) {
	p.tb.Helper()
	res, err := http.Get(p.URL + "/readyz")
	if err != nil {
		p.tb.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.tb.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// awaitReady waits until /readyz answers with this status and text.
func (p *Program) awaitReady(status int, text string) {
	p.tb.Helper()
	for end := time.Now().Add(patience); ; <-time.After(100 * time.Millisecond) {
		got, said := p.ready()
		if got == status && strings.Contains(said, text) {
			return
		}
		if time.Now().After(end) {
			p.tb.Fatalf("/readyz: got %d %q, want %d and %q", got, said, status, text)
		}
	}
}

// events counts the audit events of a type.
func (h *Env) events(kind string) int {
	h.tb.Helper()
	var all []tree
	h.Admin.Call("GET", "/logs?limit=200&filter="+url.QueryEscape(fmt.Sprintf("eventType eq %q", kind)), nil).Want(200).Into(&all)
	return len(all)
}

const mebibyte = 1 << 20

// nearlyFull starts a program on a disk of 64 MiB, of which 4 MiB are its reserve.
func nearlyFull(t *testing.T, disk string) (h *Env, m *Member, filler string) {
	t.Helper()
	h = Open(t, EnvOptions{Data: filepath.Join(disk, "data"), Config: proxied})
	h.AwaitLog(0, "reserved disk space")
	return h, h.Member(t, "amelie@garage.example"), filepath.Join(disk, "filler")
}

func (m *Member) isReset(h *Env) {
	m.tb.Helper()
	h.Admin.Call("POST", "/users/"+m.Login+"/lifecycle/reset_factors", `{"reason":"Téléphone perdu."}`).Want(200)
	h.ticket(m.Login)
}

func TestDisk_NearlyFullKeepsSignInsAndResetsAndWarnsTheOperator(t *testing.T) {
	executable(t) // once, for both processes
	storetest.OnSmallDisk(t, 64, func(disk string) {
		h, m, filler := nearlyFull(t, disk)
		chief, other := h.Member(t, "chef@garage.example"), h.Member(t, "lea@garage.example")
		h.Run("user", "role", "add", chief.Login, "SUPER_ADMIN").OK(t)
		if status, text := h.ready(); status != 200 || text != "ready\n" {
			t.Errorf("/readyz: got %d %q", status, text)
		}

		// Before the disk is full, the operator is warned once, and what can wait is refused.
		mark := h.Mark()
		storetest.Fill(t, filler, 6*mebibyte)
		h.AwaitLog(mark, "free space is low")
		h.Mail.Wait(support, "presque plein")
		h.Mail.Wait(chief.Login, "presque plein")
		h.awaitReady(200, "ready\nfree space is low: ")
		for path, body := range map[string]string{
			"/users":  `{"profile":{"login":"neuf@garage.example","email":"neuf@garage.example"}}`,
			"/groups": `{"profile":{"name":"Neuf"}}`,
		} {
			if w := h.Admin.Call("POST", path, body).Want(503); !strings.Contains(string(w.Body), "nearly full") || w.Header.Get("Retry-After") == "" {
				t.Errorf("POST %s: got %s, want a clear sentence and Retry-After", path, w.Body)
			}
		}
		if done := h.Run("client", "add", "Planning", "--redirect", "https://planning.example/callback"); done.Code == 0 || !strings.Contains(done.Stderr, "nearly full") {
			t.Errorf("client add: got code %d, %s, want it refused", done.Code, done.Stderr)
		}
		page := h.from(t, 1).Post("/help/request", "email", m.Login, "topic", "phone_lost", "message", "x")
		if page.Status != 503 || !page.Says("ne peut pas enregistrer") {
			t.Errorf("a help request of an unknown browser: got %d, want 503 with a sentence", page.Status)
		}
		if page := m.Post("/help/request", "email", m.Login, "topic", "phone_lost", "message", "volé"); page.Status != 200 {
			t.Errorf("a help request of a known browser: got %d, want it stored", page.Status)
		}

		// On the full disk the reserve is used, also after a restart.
		mark = h.Mark()
		storetest.Fill(t, filler, 0)
		for range 20 {
			m.signIn(h.Visitor(t))
		}
		h.AwaitLog(mark, "the reserve is used")
		other.isReset(h)
		h.Restart()
		m.signIn(h.Visitor(t))
		h.awaitReady(200, "free space is low: ")

		// Without any space nothing is stored, and /readyz says so.
		storetest.Fill(t, filler, 0)
		v := h.Visitor(t) // one connection: a client has a limit of them
		for end := time.Now().Add(patience); m.give(v).Status != 503; {
			if time.Now().After(end) {
				t.Fatal("the full disk stores sign-ins")
			}
		}
		h.awaitReady(503, "not ready: disk\nfree space is low: 0.0 MiB\n")

		// With space, all goes on without a restart.
		mark = h.Mark()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		h.AwaitLog(mark, "reserved disk space")
		h.awaitReady(200, "ready\n")
		m.signIn(h.Visitor(t))
		h.Admin.Call("POST", "/groups", `{"profile":{"name":"Neuf"}}`).Want(200)
		if low, recovered := h.events("barillet.space.low"), h.events("barillet.space.recovered"); low != 1 || recovered != 1 {
			t.Errorf("got %d and %d events of the episode, want one each", low, recovered)
		}
		if n := h.messages(support, "presque plein"); n != 1 {
			t.Errorf("got %d warnings to support, want one for the episode", n)
		}
		for _, mail := range h.Mail.Untaken() {
			t.Logf("further mail to %q: %s", mail.To, mail.Subject)
		}
	})
}

func TestDisk_FullAtTheStartFreesTheReserve(t *testing.T) {
	executable(t) // once, for both processes
	storetest.OnSmallDisk(t, 64, func(disk string) {
		h, m, filler := nearlyFull(t, disk)
		h.Stop()
		storetest.Fill(t, filler, 0)
		h.Restart()
		m.signIn(h.Visitor(t))
		m.isReset(h)
		h.awaitReady(200, "free space is low: ")
	})
}

// A flood of /readyz causes one write in ten seconds.
func TestReady_IsNoMeansToCauseWrites(t *testing.T) {
	h := Open(t, EnvOptions{})
	h.ready()
	before := h.written(t)
	for range 500 {
		if status, _ := h.ready(); status != 200 {
			t.Fatalf("got %d, want 200", status)
		}
	}
	if n := h.written(t) - before; n > 256<<10 {
		t.Errorf("got %d bytes written by 500 probes, want those of one write", n)
	}
}

// written returns how many bytes the program has caused to be written to disks.
func (p *Program) written(t *testing.T) (n int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\nwrite_bytes: ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
