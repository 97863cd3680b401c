package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"barillet/cmd/barillet/doctor"
	"barillet/internal/mail"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// fault is something wrong, and the findings that name it.
type fault struct {
	name  string
	plant func(in *installation)
	want  string // the id; "warning " before it for a warning
	also  string // further ids, which follow from the first
}

// stopped returns a plant in the files of a service that does not run.
func stopped(plant func(in *installation)) func(in *installation) {
	return func(in *installation) { in.running = false; plant(in) }
}

// set returns a plant of settings: key and value.
func set(pairs ...string) func(in *installation) {
	return func(in *installation) {
		for i := 0; i < len(pairs); i += 2 {
			if in.config[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
				delete(in.config, pairs[i])
			}
		}
	}
}

// edit changes the records of the store whose key begins with a prefix. A nil result deletes the record.
func edit(prefix string, fn func(value []byte) []byte) func(in *installation) {
	return stopped(func(in *installation) {
		db, err := bolt.Open(in.file("barillet.db"), bolt.Options{})
		in.do(err)
		n := 0
		in.do(db.Update(context.Background(), func(tx store.Tx) error {
			n = 0
			var keys []string
			err := db.View(context.Background(), func(s store.Snapshot) error {
				return s.Scan(prefix, "", 1, func(key string, _ []byte) error { keys = append(keys, key); return nil })
			})
			for _, key := range keys {
				n++
				value, err := tx.Get(key)
				if err != nil {
					return err
				}
				if value = fn(bytes.Clone(value)); value == nil {
					err = tx.Delete(key)
				} else {
					err = tx.Put(key, value)
				}
				if err != nil {
					return err
				}
			}
			return err
		}), db.Close())
		if n != 1 {
			in.t.Fatalf("no record begins with %s", prefix)
		}
	})
}

// proxied returns a plant in the headers that the proxy sends.
func proxied(rewrite func(*httputil.ProxyRequest)) func(in *installation) {
	return func(in *installation) { in.proxy.rewrite = rewrite }
}

func keepHost(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }

const nobody = 65534

var refusal = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not allowed"}

// faults are the planted faults: configuration and files, keys and store, the network.
func faults() []fault {
	return slices.Concat(configFaults(), storeFaults(), networkFaults())
}

func configFaults() []fault {
	return []fault{
		{"an unknown key", func(in *installation) {
			in.running = false
			in.write("barillet.toml", "listne = \"localhost:1\"\n", 0o644)
		}, "config.valid", ""},
		{"an unknown variable", func(in *installation) { in.env = []string{"BARILLET_PORT=tcp://10.0.0.1"} }, "warning config.unknown", ""},
		{"no support", set("support.email", ""), "warning config.support", ""},
		{"no mail server", set("smtp.host", "", "smtp.username", "", "smtp.password_file", "", "smtp.from", ""), "warning config.smtp", ""},
		{"no public URL", set("public_url", ""), "warning config.url", ""},
		{"no data directory", stopped(func(in *installation) { in.do(os.Rename(in.data, in.data+".old")) }), "files.data", ""},
		{"a data directory that others can enter", func(in *installation) { in.do(os.Chmod(in.data, 0o755)) }, "files.dirmode", ""},
		{"another user", func(in *installation) { in.user = nobody }, "files.user", ""},
		{"a store file of another user", func(in *installation) { in.do(os.Chown(in.file("barillet.db"), nobody, -1)) }, "files.owner", ""},
		{"a store file that others can read", func(in *installation) { in.do(os.Chmod(in.file("barillet.db"), 0o644)) }, "files.mode", ""},
		{"a key file that the group can read", stopped(func(in *installation) { in.do(os.Chmod(in.file("barillet.key"), 0o640)) }), "files.mode", ""},
		{"a store file that is a link", stopped(func(in *installation) {
			in.do(os.Rename(in.file("barillet.db"), filepath.Join(in.dir, "elsewhere.db")), os.Symlink(filepath.Join(in.dir, "elsewhere.db"), in.file("barillet.db")))
		}), "files.link", ""},
		{"a configuration that others can change", func(in *installation) { in.do(os.Chmod(in.finalConfig(), 0o666)) }, "files.config", ""},
		{"a configuration of another user", func(in *installation) { in.do(os.Chown(in.finalConfig(), nobody, -1)) }, "files.config", ""},
		{"a mail password that others can read", func(in *installation) { in.write("mail-password", mailPassword, 0o644) }, "files.password", ""},
		{"a mail password of another user", func(in *installation) { in.do(os.Chown(filepath.Join(in.dir, "mail-password"), nobody, -1)) }, "files.password", ""},
		{"no mail password", stopped(func(in *installation) { in.do(os.Remove(filepath.Join(in.dir, "mail-password"))) }), "files.password", ""},
	}
}

func storeFaults() []fault {
	return []fault{
		{"no key file", stopped(func(in *installation) { in.do(os.Remove(in.file("barillet.key"))) }), "keys.file", ""},
		{"a cut key file", stopped(func(in *installation) { in.do(os.Truncate(in.file("barillet.key"), 150)) }), "keys.file", ""},
		{"the key file of another store", stopped(func(in *installation) {
			in.do(os.Remove(in.file("barillet.key")))
			_, err := store.CreateKeyFile(in.file("barillet.key"))
			in.do(err)
		}), "keys.store", ""},
		{"no rotation of the signing keys", stopped(func(in *installation) { in.clock = 200 * 24 * time.Hour }), "keys.signing", ""},
		{"no store", stopped(func(in *installation) { in.do(os.Remove(in.file("barillet.db"))) }), "store.file", ""},
		{"an empty store", stopped(func(in *installation) { in.do(os.Truncate(in.file("barillet.db"), 0)) }), "store.file", ""},
		{"a cut store", stopped(func(in *installation) { in.do(os.Truncate(in.file("barillet.db"), 20_000)) }), "store.pages", ""},
		{"an overwritten page", stopped(overwritePage), "store.pages", ""},
		{"a store of a newer version", edit("meta/format", func(value []byte) []byte {
			return bytes.Replace(value, []byte(fmt.Sprintf(`"format":%d`, store.Format)), []byte(`"format":99`), 1)
		}), "store.open", ""},
		{"a store that another command has open", stopped(func(in *installation) {
			db, err := bolt.Open(in.file("barillet.db"), bolt.Options{})
			in.do(err)
			in.t.Cleanup(func() { db.Close() })
		}), "store.open", ""},
		{"a lost index entry", edit("roleholder/", func([]byte) []byte { return nil }), "store.indexes", ""},
		{"a damaged record", edit("group/", func(value []byte) []byte { value[len(value)-1] ^= 1; return value }), "store.records", ""},
		{"a demonstration", stopped(markDemo), "store.demo", ""},
		{"a deleted event", edit(store.Audit.Prefix, func([]byte) []byte { return nil }), "audit.log", "store.indexes"},
		{"no newest head", edit(store.AuditHeads.Prefix+"newest", func([]byte) []byte { return nil }), "audit.log", ""},
		{"events without a head for two days", stopped(func(in *installation) {
			must(in.t, in.data, "group", "add", "Orly")
			in.clock = 48 * time.Hour
		}), "audit.head", ""},
		{"a mail that waits", stopped(func(in *installation) {
			must(in.t, in.data, "user", "add", "lea@garage.example", "--invite", "--public-url", "https://login.example")
			in.clock = 2 * time.Hour
		}), "outbox.age", ""},
		{"a dead letter", stopped(deadLetter), "warning outbox.dead", ""},
		{"a clock behind the log", stopped(func(in *installation) { in.clock = -24 * time.Hour }), "clock.log", ""},
		{"too few open files", func(in *installation) { in.limit = 300 }, "service.files", ""},
	}
}

func networkFaults() []fault {
	soon := func(days int) time.Time { return time.Now().Add(time.Duration(days) * 24 * time.Hour) }
	return []fault{
		{"a clock that is wrong by 90 seconds", func(in *installation) { in.ntpOffset = 90 * time.Second }, "clock.offset", ""},
		{"a clock that is wrong by three seconds", func(in *installation) { in.ntpOffset = -3 * time.Second }, "warning clock.offset", ""},
		{"an NTP server that does not answer", func(in *installation) { in.args = []string{"--ntp", freeAddress(in.t)} }, "clock.ntp", ""},
		{"a mail server without address", set("smtp.host", `"mail.invalid"`), "mail.resolve", ""},
		{"a mail server that is down", func(in *installation) {
			_, port, _ := net.SplitHostPort(freeAddress(in.t))
			in.config["smtp.port"] = port
		}, "mail.connect", ""},
		{"a mail server that says nothing", func(in *installation) { in.mail.raw = func(net.Conn) {} }, "mail.answer", ""},
		{"a web server instead of a mail server", func(in *installation) {
			in.mail.raw = func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n"); conn.Close() }
		}, "mail.answer", ""},
		{"a mail server without TLS", func(in *installation) { in.mail.noTLS = true }, "mail.tls", ""},
		{"a mail server with another name", func(in *installation) { in.mail.certificate = in.authority.issue(in.t, "mx.example", soon(90)) }, "mail.certificate", ""},
		{"a mail server with an expired certificate", func(in *installation) { in.mail.certificate = in.authority.issue(in.t, "localhost", soon(-1)) }, "mail.certificate", ""},
		{"a wrong mail password", func(in *installation) { in.mail.password = "another" }, "mail.login", ""},
		{"a sender that the mail server refuses", func(in *installation) { in.mail.sender = refusal }, "mail.sender", ""},
		{"a recipient that the mail server refuses", func(in *installation) {
			in.args, in.mail.recipients = []string{"--send", "nobody@garage.example"}, refusal
		}, "mail.send", ""},
		{"a public URL without address", set("public_url", `"https://login.invalid"`), "public.resolve", ""},
		{"a proxy that is down", func(in *installation) { in.do(in.proxy.listener.Close()) }, "public.connect", ""},
		{"a proxy without TLS", func(in *installation) { in.proxy.plain = true }, "tls.handshake", ""},
		{"a certificate for another name", func(in *installation) { in.proxy.certificate = in.authority.issue(in.t, "other.example", soon(90)) }, "tls.name", ""},
		{"a certificate of an unknown authority", func(in *installation) { in.proxy.certificate = in.stranger.issue(in.t, "localhost", soon(90)) }, "tls.chain", ""},
		{"an expired certificate", func(in *installation) { in.proxy.certificate = in.authority.issue(in.t, "localhost", soon(-1)) }, "tls.expiry", ""},
		{"a certificate that expires in a week", func(in *installation) { in.proxy.certificate = in.authority.issue(in.t, "localhost", soon(7)) }, "warning tls.expiry", ""},
		{"a redirect to itself", func(in *installation) {
			in.proxy.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
			})
		}, "public.redirect", ""},
		{"another web server", func(in *installation) {
			in.proxy.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "welcome") })
		}, "public.service", ""},
		{"a proxy that changes the host", proxied(func(r *httputil.ProxyRequest) { r.SetXForwarded() }), "public.host", ""},
		{"a proxy without X-Forwarded-For", proxied(keepHost), "proxy.header", ""},
		{"a proxy that passes X-Forwarded-For on", proxied(func(r *httputil.ProxyRequest) {
			keepHost(r)
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		}), "proxy.forged", ""},
		{"a proxy that is not trusted", set("trusted_proxies", ""), "proxy.trusted", ""},
	}
}

// finalConfig writes the configuration file, to which nothing is added.
func (in *installation) finalConfig() string {
	in.config["smtp.port"] = fmt.Sprint(in.mail.serve(in.t))
	return in.writeConfig()
}

// overwritePage overwrites the headers of the pages that have users.
func overwritePage(in *installation) {
	text, err := os.ReadFile(in.file("barillet.db"))
	in.do(err)
	size, found := os.Getpagesize(), false
	for at := 2 * size; at < len(text); at += size {
		if bytes.Contains(text[at:min(at+size, len(text))], []byte("anne@garage.example")) {
			copy(text[at:], bytes.Repeat([]byte{0xff}, 16))
			found = true
		}
	}
	if !found {
		in.t.Fatal("no page has a user")
	}
	in.do(os.WriteFile(in.file("barillet.db"), text, 0o600))
}

// withStore changes a store with its keys.
func (in *installation) withStore(fn func(db store.Store, ring *store.Keyring) error) {
	keys, err := store.ReadKeyFile(in.file("barillet.key"))
	in.do(err)
	db, err := bolt.Open(in.file("barillet.db"), bolt.Options{})
	in.do(err)
	ring, err := store.OpenKeyring(context.Background(), db, keys, time.Now())
	in.do(err, fn(db, ring), db.Close())
}

func markDemo(in *installation) {
	in.withStore(func(db store.Store, _ *store.Keyring) error { return store.MarkDemo(context.Background(), db) })
}

func deadLetter(in *installation) {
	in.withStore(func(db store.Store, ring *store.Keyring) error {
		at := time.Now()
		return db.Update(context.Background(), func(tx store.Tx) error {
			table := store.NewTable[mail.Message](ring, store.Outbox)
			return table.Put(tx, "a", mail.Message{Template: "x", To: []string{"x@garage.example"}, Queued: at, Dead: true, Died: at})
		})
	})
}

// template makes the data directory of a service that ran and was stopped.
func template(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the test needs root: it gives files to another user")
	}
	data := filepath.Join(t.TempDir(), "data")
	must(t, data, "user", "add", "anne@garage.example", "--role", "SUPER_ADMIN")
	must(t, data, "group", "add", "Lyon")
	must(t, data, "keys", "list")
	s := startServer(t, "--data", data)
	s.stop()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	return data
}

// TestCheck_FindsEachFault plants each fault in a sound installation.
func TestCheck_FindsEachFault(t *testing.T) {
	data := template(t)
	all := faults()
	if len(all) < 30 {
		t.Errorf("got %d faults, want at least 30", len(all))
	}
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			in := newInstallation(t, data, t.TempDir())
			f.plant(in)
			compare(t, in.check(), f.want, f.also)
		})
	}
}

func TestCheck_FindsAFullDisk(t *testing.T) {
	data := template(t)
	storetest.OnSmallDisk(t, 64, func(dir string) {
		dir = filepath.Join(dir, "a")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		in := newInstallation(t, data, dir)
		in.running = false
		storetest.Fill(t, filepath.Join(dir, "filler"), 2<<20)
		compare(t, in.check(), "disk.space", "")
	})
}

func TestCheck_FindsNothingInASoundInstallation(t *testing.T) {
	data := template(t)
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running %t", running), func(t *testing.T) {
			in := newInstallation(t, data, t.TempDir())
			in.running, in.args = running, []string{"--send", "anne@garage.example"}
			before, err := os.ReadFile(in.file("barillet.db"))
			in.do(err)
			got := in.check()
			compare(t, got, "", "")
			if n := len(in.mail.got); n != 1 || !strings.Contains(in.mail.got[0], "To: <anne@garage.example>") {
				t.Errorf("got %d mails, want the test mail", n)
			}
			if after, err := os.ReadFile(in.file("barillet.db")); !running && (err != nil || !bytes.Equal(before, after)) {
				t.Errorf("the check changed the store: %v", err)
			}
			ids := map[string]bool{}
			for _, f := range got.Findings {
				ids[f.ID] = true
			}
			for _, c := range doctor.Checks {
				if running && !ids[c.ID] && c.ID != "tls.handshake" {
					t.Errorf("a running service has no finding %s", c.ID)
				}
			}
		})
	}
}

// compare compares the warnings and errors with the wanted ones.
func compare(t *testing.T, got checked, want, also string) {
	t.Helper()
	found, others := false, strings.Fields(also)
	for _, f := range got.Findings {
		name := f.ID
		if f.Severity == doctor.Warning {
			name = "warning " + f.ID
		}
		switch {
		case f.Severity == doctor.OK || f.Severity == doctor.Skipped:
		case f.Remedy == "" || f.Message == "":
			t.Errorf("%s has no message or no remedy: %+v", f.ID, f)
		case name == want:
			found = true
		case !slices.Contains(others, f.ID):
			t.Errorf("got %s %s: %s", f.Severity, f.ID, f.Message)
		}
		if !slices.ContainsFunc(doctor.Checks, func(c doctor.Check) bool { return c.ID == f.ID }) {
			t.Errorf("%s is not in the list of checks", f.ID)
		}
	}
	if !found && want != "" {
		t.Errorf("got no %s in %+v", want, got.Findings)
	}
}
