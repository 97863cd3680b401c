package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// TestTheProgram runs the scripts in testdata.
func TestTheProgram(t *testing.T) {
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         storetest.Dir(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(20 * patience), // of all scripts, with the race detector on two CPUs
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "Europe/Paris")
			e.Setenv("DOCS", docs) // docs contains a script
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await": await, "fetch": fetch, "code": exitCode, "cut": cut, "mode": mode, "bytes": replaceBytes, "listening": listening, "send": send, "join": join, "variable": variable, "scribble": scribble, "forget": forget,
		},
	})
}

const patience = 30 * time.Second

// await waits until a file, which a background program writes, matches a pattern: await FILE PATTERN.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && pattern.Match(text) {
			return
		}
	}
	text, _ := os.ReadFile(ts.MkAbs(args[0]))
	ts.Fatalf("%s does not match %s in time:\n%s", args[0], args[1], text)
}

// listening waits until the program prints its URL, and sets URL and ADDRESS.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listening FILE")
	}
	await(ts, false, []string{args[0], `^listening on \S+$`})
	url := string(regexp.MustCompile(`(?m)^listening on (\S+)$`).FindSubmatch([]byte(ts.ReadFile(args[0])))[1])
	ts.Setenv("URL", url)
	ts.Setenv("ADDRESS", strings.TrimPrefix(url, "http://"))
}

// send sends a signal to the program that was started last in the background: send TERM|KILL.
func send(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: send TERM|KILL")
	}
	running := ts.BackgroundCmds()
	ts.Check(running[len(running)-1].Process.Signal(signals[args[0]]))
}

// fetch sends a request with headers and checks the status, or that no response comes: fetch STATUS|gone URL [NAME:VALUE...].
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fetch STATUS URL [NAME:VALUE...]")
	}
	request, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, ":")
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	client := &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil && args[0] == "gone" {
		return
	}
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", body)
	if got := fmt.Sprint(response.StatusCode); got != args[0] {
		ts.Fatalf("%s: got %s, want %s:\n%s", args[1], got, args[0], body)
	}
}

// exitCode runs the program and checks its exit code: code N ARGS...
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N ARGS...")
	}
	err := ts.Exec("barillet", args[1:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("barillet %q: got exit code %s, want %s", args[1:], got, args[0])
	}
}

// variable sets a variable to the first word of a file: variable NAME FILE.
func variable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: variable NAME FILE")
	}
	words := strings.Fields(ts.ReadFile(args[1]))
	if len(words) == 0 {
		ts.Fatalf("%s is empty", args[1])
	}
	ts.Setenv(args[0], words[0])
}

// cut truncates a file: cut FILE BYTES.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// mode checks or sets the mode of a file: mode FILE WANT, or mode FILE = NEW.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(filepath.FromSlash(args[0]))
	if len(args) == 3 && args[1] == "=" {
		var bits os.FileMode
		_, err := fmt.Sscanf(args[2], "%o", &bits)
		ts.Check(err)
		ts.Check(os.Chmod(file, bits))
		return
	}
	info, err := os.Stat(file)
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s: got mode %s, want %s", args[0], got, args[1])
	}
}

// replaceBytes replaces a text by one of the same length in a binary file: bytes FILE OLD NEW.
func replaceBytes(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	text, err := os.ReadFile(file)
	ts.Check(err)
	before, after := []byte(args[1]), []byte(args[2])
	if len(before) != len(after) || !bytes.Contains(text, before) {
		ts.Fatalf("%s does not hold %q, or %q is not as long", args[0], before, after)
	}
	ts.Check(os.WriteFile(file, bytes.ReplaceAll(text, before, after), 0o600))
}

// join accepts an invitation in offline mode, with a password, a phone and recovery codes: join DATA FILE. The file contains
// the link.
func join(ts *testscript.TestScript, _ bool, args []string) {
	c := config.Defaults()
	c.Data = ts.MkAbs(args[0])
	c.PublicURL = "https://login.garage.example"
	dir, err := datadir.Open(context.Background(), &c, false, now, func(err error) { panic(err) })
	ts.Check(err)
	defer dir.Store.Close()
	a, err := newApp(&c, dir, string(c.PublicURL), slog.New(slog.DiscardHandler))
	ts.Check(err)
	ts.Check((&demoUser{}).accept(context.Background(), a, secret.From(strings.TrimSpace(ts.ReadFile(args[1])))))
}

// forget deletes the records of a stopped service whose keys begin with a text: forget FILE PREFIX.
func forget(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: forget FILE PREFIX")
	}
	db, err := bolt.Open(ts.MkAbs(args[0]), bolt.Options{})
	ts.Check(err)
	var keys []string
	ts.Check(db.View(context.Background(), func(s store.Snapshot) error {
		return s.Scan(args[1], "", 0, func(key string, _ []byte) error {
			keys = append(keys, key)
			return nil
		})
	}))
	ts.Check(db.Update(context.Background(), func(tx store.Tx) error {
		for _, key := range keys {
			if err := tx.Delete(key); err != nil {
				return err
			}
		}
		return nil
	}))
	ts.Check(db.Close())
}

// scribble overwrites the header of each page of a store file that contains a text: scribble FILE TEXT.
func scribble(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	file, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	defer file.Close()
	size, found := os.Getpagesize(), false
	for at := 2 * size; at < len(text); at += size { // after the two meta pages
		if bytes.Contains(text[at:min(at+size, len(text))], []byte(args[1])) {
			_, err := file.WriteAt(bytes.Repeat([]byte{0xff}, 16), int64(at))
			ts.Check(err)
			found = true
		}
	}
	if !found {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
}
