package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"barillet/cmd/barillet/config"
)

// hangUp sends SIGHUP and waits for a line of the log, which it returns.
func (in *installation) hangUp(want string) string {
	in.t.Helper()
	before := len(in.log.String())
	in.do(in.service.Process.Signal(syscall.SIGHUP))
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(in.log.String()[before:]) {
			if strings.Contains(line, want) && strings.HasSuffix(line, "\n") {
				return line
			}
		}
	}
	in.t.Fatalf("the log has no %q:\n%s", want, in.log.String())
	return ""
}

// get asks the service through its proxy.
func (in *installation) get(path string) (status int, header http.Header, body string) {
	in.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	got, err := client.Get(strings.Trim(in.config["public_url"], `"`) + path)
	in.do(err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	in.do(err)
	return got.StatusCode, got.Header, string(text)
}

// run runs a command on the running service, and returns its output and whether it succeeded.
func (in *installation) run(args ...string) (string, bool) {
	in.t.Helper()
	out, err := in.command(append(args, "--data", in.data)...).CombinedOutput()
	return string(out), err == nil
}

// fails reports whether a check has an error or a warning with an id.
func (in *installation) fails(file, id string) bool {
	in.t.Helper()
	for _, f := range in.runCheck(file).Findings {
		if f.ID == id && f.Remedy != "" {
			return true
		}
	}
	return false
}

// TestReload_AppliesWhatNeedsNoRestart changes settings of a service that runs, and looks at what each of them does.
func TestReload_AppliesWhatNeedsNoRestart(t *testing.T) {
	in := newInstallation(t, template(t), t.TempDir())
	in.limit = 3000
	file := in.serve()
	another := mailServer{certificate: in.mail.certificate, password: "another password"}
	port := another.serve(t)
	const hook = "http://127.0.0.1:9/hook"
	if _, ok := in.run("webhook", "add", hook, "--name", "n", "--event", "*"); ok {
		t.Fatal("a private host is allowed at first")
	}
	if status, _, _ := in.get("/forward-auth"); status != http.StatusNotFound {
		t.Fatalf("got %d at first, want no protected host", status)
	}
	line := in.hangUp("read the configuration again")
	if !strings.Contains(line, `changed=""`) {
		t.Errorf("got %s, want no change", line)
	}

	set("support.email", `"aide@garage.example"`, "support.phone", `"01 99 00 55 55"`, "smtp.port", fmt.Sprint(port), "hsts", `"subdomains"`, "limits.connections", "90000",
		"outbound.allow", `["127.0.0.1"]`, "forward_auth.rules", `["wiki.garage.example"]`, "listen", `"127.0.0.1:1"`, "brand.name", `"Garage"`)(in)
	in.write("mail-password", "another password", 0o600)
	in.writeConfig()
	line = in.hangUp("read the configuration again")
	if want := `changed="hsts support.email support.phone smtp.port limits.connections forward_auth.rules outbound.allow"`; !strings.Contains(line, want) {
		t.Errorf("got %s, want %s", line, want)
	}
	if log := in.log.String(); !strings.Contains(log, `changed="listen brand.name"`) {
		t.Errorf("the log does not name what needs a restart:\n%s", log)
	}
	if _, header, body := in.get("/help"); !strings.Contains(body, "aide@garage.example") || !strings.Contains(body, "01 99 00 55 55") ||
		!strings.Contains(header.Get("Strict-Transport-Security"), "includeSubDomains") {
		t.Errorf("the page has another support or header: %v\n%s", header, body)
	}
	if status, _, _ := in.get("/forward-auth"); status == http.StatusNotFound {
		t.Error("the protected host is not known")
	}
	if out, ok := in.run("webhook", "add", hook, "--name", "n", "--event", "*"); !ok {
		t.Errorf("the private host is not allowed: %s", out)
	}
	if out, ok := in.run("user", "add", "lea@garage.example", "--invite"); !ok {
		t.Error(out)
	}
	for deadline := time.Now().Add(patience); another.count() == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
	}
	if got := another.count(); got != 1 || in.mail.count() != 0 {
		t.Errorf("the new mail server got %d mails, and the old one %d; log:\n%s", got, in.mail.count(), in.log.String())
	}
	if !in.fails(file, "service.files") {
		t.Error("the limit of connections is the old one")
	}

	set("limits.connections", "2000", "forward_auth.rules", "", "trusted_proxies", "")(in)
	in.writeConfig()
	in.hangUp("read the configuration again")
	if !in.fails(file, "proxy.trusted") {
		t.Error("the proxy is trusted as before")
	}
	if out, ok := in.run("audit", "list", "--type", "barillet.config.reloaded", "--json"); !ok || strings.Count(out, `"barillet.config.reloaded"`) != 2 ||
		!strings.Contains(out, "trusted_proxies limits.connections forward_auth.rules") || strings.Contains(out, "aide@") {
		t.Errorf("the log has not two events with the keys alone:\n%s", out)
	}
}

func TestReload_RefusesABrokenFileAsAWhole(t *testing.T) {
	in := newInstallation(t, template(t), t.TempDir())
	in.serve()
	for text, want := range map[string]string{
		"[support]\nemail = \"aide@garage.example\"\nphoen = \"1\"":                             `did you mean \"support.phone\"?`,
		"[support]\nemail = \"aide@garage.example\"\n[limits]\nconnections = 1":                 "want a whole number",
		"listen = \"127.0.0.1:1\"\n[forward_auth]\nrules = [\"wiki.garage.example\"]":           "trusted_proxies is required",
		"[support]\nemail = \"aide@garage.example\"\n[smtp]\nhost=\"m\"\nusername=\"barillet\"": "must be set together",
	} {
		in.write("barillet.toml", text, 0o644)
		if line := in.hangUp("the configuration stays as it was"); !strings.Contains(line, want) {
			t.Errorf("got %s, want %s", line, want)
		}
	}
	in.do(os.Remove(in.configFile()))
	in.hangUp("the configuration stays as it was")
	set("smtp.password_file", quote(in.file("none")), "support.email", `"aide@garage.example"`)(in)
	in.writeConfig()
	in.hangUp("the configuration stays as it was")
	if _, _, body := in.get("/help"); !strings.Contains(body, "support@garage.example") || strings.Contains(body, "aide@garage.example") {
		t.Errorf("a part of a refused configuration is in force:\n%s", body)
	}
}

func (m *mailServer) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

// TestManual_ListsReloadableSettings compares the list with the tags.
func TestManual_ListsReloadableSettings(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "without a restart:\n\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var got, want []string
	for i, part := range strings.Split(list, "`") {
		if i%2 == 1 {
			got = append(got, part)
		}
	}
	for _, s := range new(config.Config).Settings() {
		if s.Reloadable() {
			want = append(want, s.Key)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the manual lists %q, want %q", got, want)
	}
}
