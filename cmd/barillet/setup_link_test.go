package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"barillet/cmd/barillet/setuplink"
)

// setupFile returns the link in a data directory; "" if there is none.
func setupFile(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(data, setuplink.Name)
	info, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("got mode %v, %v, want a file of mode 0600", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// gets returns the status of a page.
func gets(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestServe_SetupLinkOfAnEmptyStoreEndsWithTheFirstAdministrator(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, "--data", data)
	first := setupFile(t, data)
	if !strings.HasPrefix(first, "http://"+s.address+"/setup/") || gets(t, first) != http.StatusOK {
		t.Fatalf("got the link %q", first)
	}
	s.stop()
	if err := <-s.ended; err != nil || setupFile(t, data) != "" {
		t.Fatalf("after the stop: got %v and the file %q", err, setupFile(t, data))
	}

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Symlink(elsewhere, filepath.Join(data, setuplink.Name)); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, "--data", data)
	second := setupFile(t, data)
	old := "http://" + s.address + "/setup/" + filepath.Base(first)
	if gets(t, second) != http.StatusOK || gets(t, old) != http.StatusNotFound {
		t.Errorf("after a restart: got %d for the new link and %d for the old one", gets(t, second), gets(t, old))
	}
	if _, err := os.Lstat(elsewhere); !os.IsNotExist(err) {
		t.Errorf("the link was written through a symbolic link: %v", err)
	}
	var stderr strings.Builder
	if err := run(t.Context(), []string{"user", "add", "anne@garage.example", "--data", data, "--role", "SUPER_ADMIN", "--invite", "--no-mail"}, strings.NewReader(""), io.Discard, &stderr); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if got := gets(t, second); got != http.StatusNotFound {
		t.Errorf("with an administrator: got %d, want 404", got)
	}
	s.stop()
	if err := <-s.ended; err != nil || setupFile(t, data) != "" {
		t.Errorf("with an administrator: got %v and the file %q", err, setupFile(t, data))
	}
	startServer(t, "--data", data)
	if got := setupFile(t, data); got != "" {
		t.Errorf("the next start wrote %q", got)
	}
}

func TestServe_PrintsTheSetupLinkOnlyAtATerminal(t *testing.T) {
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	pipe, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		out, shown *os.File
		want       bool
	}{"a terminal": {terminal, user, true}, "a pipe": {end, pipe, false}} {
		data := filepath.Join(t.TempDir(), "data")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, []string{"serve", "--listen", "localhost:0", "--data", data, "--log-format", "json"}, strings.NewReader(""), io.Discard, c.out)
		}()
		lines, text := bufio.NewScanner(c.shown), ""
		for !strings.Contains(text, "no administrator yet") && lines.Scan() {
			text += lines.Text() + "\n"
		}
		link := setupFile(t, data)
		if c.want && lines.Scan() {
			text += lines.Text()
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !c.want { // all the rest
			end.Close()
			rest, _ := io.ReadAll(pipe)
			text += string(rest)
		}
		if link == "" || strings.Contains(text, link) != c.want {
			t.Errorf("%s: got\n%s\nwant the link: %v", name, text, c.want)
		}
	}
}
