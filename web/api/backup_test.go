package api_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/backup"
	"barillet/store"
	"barillet/web/api"
)

// backups returns the API with another maker of backups.
func (d *apiEnv) backups(change func(*backup.Maker)) *backup.Maker {
	m := &backup.Maker{Copy: d.CopyTo, Keys: func() store.RootKeys { return d.Keys }, Dir: d.T.TempDir(), Program: "v1.2.3", Now: d.Clock.Now,
		Room: func(string, int64) error { return nil }}
	change(m)
	d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, OIDC: d.Apps, Ring: d.Ring, PublicURL: "https://login.example/", Backups: m})
	return m
}

func TestBackup_IsForTheOperatorAndTheirTokensWithSecrets(t *testing.T) {
	d := open(t)
	boss, _, _ := d.Member("chef@garage.example", nil)
	if w := d.local("POST", "/api/v1/users/"+string(boss.ID)+"/roles", `{"type":"SUPER_ADMIN"}`); w.Code != 201 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	group := d.CreateGroup("Garage du Nord")
	for _, c := range []struct {
		name  string
		token string
		want  string // in the refusal; "": it is allowed
	}{
		{"the operator's token with secrets", d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true }), ""},
		{"the operator's token without secrets", d.admin(), "allowance secrets"},
		{"a lower role", d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Secrets = true }), "needs the role SUPER_ADMIN"},
		{"a SUPER_ADMIN's token with secrets", d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Owner, n.Secrets = string(boss.ID), true }), "only the operator"},
		{"a SUPER_ADMIN's token", d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Owner = string(boss.ID) }), "only the operator"},
		{"a group scope", d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets, n.Groups = true, []account.GroupID{group} }), "groups to which"},
	} {
		before := len(d.Events(audit.BackupCreated))
		w := d.call("POST", "/api/v1/backup", c.token, "")
		if c.want != "" {
			if p := problem(t, w, 403); !strings.Contains(p.Detail, c.want) {
				t.Errorf("%s: got %q, want %q in it", c.name, p.Detail, c.want)
			}
			if n := len(d.Events(audit.BackupCreated)) - before; n != 0 {
				t.Errorf("%s: %d events say that a backup was made", c.name, n)
			}
			continue
		}
		b, err := backup.Open(w.Body, d.Keys, backup.Identities{})
		if err == nil {
			err = b.Verify(t.Context())
		}
		if err != nil || w.Code != 200 {
			t.Errorf("%s: %d, %v", c.name, w.Code, err)
		}
		if events := d.Events(audit.BackupCreated); len(events) != before+1 || !strings.HasPrefix(events[len(events)-1].Actor.ID, "token:") {
			t.Errorf("%s: the log has %+v", c.name, events)
		}
	}
	if w := d.local("POST", "/api/v1/backup", ""); w.Code != 200 {
		t.Errorf("the operator: %d", w.Code)
	}
	if at, ok, err := backup.Last(t.Context(), d.Store); !ok || !at.Equal(d.Clock.Now().UTC()) {
		t.Errorf("the last backup is of %v, %v, %v", at, ok, err)
	}
}

func TestBackup_IsRefusedWithoutRoomAndBesideAnother(t *testing.T) {
	d := open(t)
	var full bool
	m := d.backups(func(m *backup.Maker) {
		m.Room = func(string, int64) error {
			if full {
				return errors.New("full")
			}
			return nil
		}
	})
	full = true
	problem(t, d.local("POST", "/api/v1/backup", ""), 503)
	full = false
	busy, err := m.TrySpool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w := d.local("POST", "/api/v1/backup", ""); w.Header().Get("Retry-After") == "" {
		t.Error("beside another: no Retry-After")
	} else {
		problem(t, w, 503)
	}
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	if w := d.local("POST", "/api/v1/backup", ""); w.Code != 200 {
		t.Errorf("after the other: %d", w.Code)
	}
}

// A client that stops reading holds no transaction: the store is written on, and its file uses free pages again. One that is cut off
// leaves no spool.
func TestBackup_ASlowClientHoldsNothing(t *testing.T) {
	d := open(t)
	value := make([]byte, 60<<10)
	rand.Read(value) // as sealed records, it cannot be compressed
	write := func(rounds int) {
		for i := range rounds * 400 { // under the same keys
			err := d.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Put(fmt.Sprintf("name/%03d", i%400), value) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write(1) // 24 MB, more than the buffers of a connection have
	m := d.backups(func(*backup.Maker) {})
	server := httptest.NewServer(d.API)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	token := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	fmt.Fprintf(conn, "POST /api/v1/backup HTTP/1.1\r\nHost: login.example\r\nAuthorization: SSWS %s\r\nContent-Length: 0\r\n\r\n", token)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil) // the header; the body stays in the buffers of the connection
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%v, %v", response, err)
	}
	before := d.size()
	write(3)
	if after := d.size(); after > before+before/4 {
		t.Errorf("the store grew from %d to %d bytes while a client did not read", before, after)
	}
	if left, err := filepath.Glob(filepath.Join(m.Dir, "*")); len(left) != 1 || err != nil {
		t.Errorf("the client did not wait: the spools are %v, %v", left, err)
	}
	conn.Close()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if left, err := filepath.Glob(filepath.Join(m.Dir, "*")); len(left) == 0 && err == nil {
			break
		} else if time.Since(begin) > 10*time.Second {
			t.Fatalf("the spool stays: %v, %v", left, err)
		}
	}
}

// size returns the size of the store file, which never shrinks.
func (d *apiEnv) size() int64 {
	path := filepath.Join(d.T.TempDir(), "copy")
	if err := d.CopyTo(d.T.Context(), path, nil); err != nil {
		d.T.Fatal(err)
	}
	info, err := os.Stat(path)
	if err = errors.Join(err, os.Remove(path)); err != nil {
		d.T.Fatal(err)
	}
	return info.Size()
}
