package e2e_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// apacheModules are what the recipe needs, as Debian builds them.
var apacheModules = []string{"mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "headers", "proxy", "proxy_http"}

// apache stands before an application and is itself the client: it listens at an address of the machine.
func apache(tb testing.TB, port int, app registered, passphrase, group, barillet, application string) {
	tb.Helper()
	folder := tb.TempDir()
	site := recipe(tb, "applications.md", "", "apache", "*:443", fmt.Sprintf("127.0.0.1:%d", port), "https://intranet.garage.example", fmt.Sprintf("http://127.0.0.1:%d", port),
		"intranet.garage.example", "127.0.0.1", "https://login.garage.example", barillet, "http://127.0.0.1:3000", application,
		"CLIENT_ID", app.ID, "CLIENT_SECRET", app.Secret, "LONG_RANDOM_TEXT", passphrase, "GROUP_ID", group)
	var config strings.Builder
	for _, name := range apacheModules {
		fmt.Fprintf(&config, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", name, name)
	}
	fmt.Fprintf(&config, "User www-data\nGroup www-data\nServerName 127.0.0.1\nListen 127.0.0.1:%d\nPidFile %s/pid\nDefaultRuntimeDir %s\nErrorLog /dev/stderr\n%s",
		port, folder, folder, site)
	file := filepath.Join(folder, "apache.conf")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		tb.Fatalf("writing Apache's configuration: %v", err)
	}
	startProxy(tb, port, "apache2", "-D", "FOREGROUND", "-f", file)
}

// registers runs the command of docs/applications.md that registers an application.
func (h *Env) registers(tb testing.TB, site string) registered {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), "bash", "-c", recipe(tb, "applications.md", "", "sh", "https://login.garage.example", h.URL, "https://intranet.garage.example", site))
	command.Env = append(os.Environ(), "BARILLET_TOKEN="+h.Admin.Token)
	out, err := command.Output()
	var app registered
	if err != nil || json.Unmarshal(out, &app) != nil || app.ID == "" {
		tb.Fatalf("registering: %v: %s", err, out)
	}
	h.Secret("client secret", app.Secret)
	return app
}

// TestApache_SignsInByOpenIDConnect runs mod_auth_openidc with the recipe of docs/applications.md, up to a sign-out at the
// service, which reaches its back-channel address.
func TestApache_SignsInByOpenIDConnect(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Config: "[outbound]\nallow = [\"127.0.0.1\"]\n"})
	port := freePort(t)
	site := fmt.Sprintf("http://127.0.0.1:%d", port)
	apache(t, port, h.registers(t, site), h.Secret("passphrase", rand.Text()), "g-nobody", h.URL, mirror(t).URL)
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open(site + "/page?a=1")
	p.follow(m.Phone)
	arrives(p, site+"/page?a=1")
	for id, want := range map[string]string{"remote-user": m.Login, "remote-email": m.Login, "remote-name": m.Login, "remote-groups": ""} {
		if got := p.Text("#" + id); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	forged(t, p, site, "mod_auth_openidc_session")
	p.Expect("401")
	p.Open(site + "/admin")
	if p.Count("#path") != 0 {
		t.Error("a path of another group is open")
	}
	p.Open("/account")
	p.signOut()
	p.closes(site + "/page?a=1")
}

// closes opens a page again and again until it leads to the sign-in.
func (p *Person) closes(address string) {
	p.tb.Helper()
	for end := time.Now().Add(patience); ; {
		if p.Open(address); p.Count("#path") == 0 {
			break
		}
		if time.Now().After(end) {
			p.tb.Fatalf("%s is still open", address)
		}
	}
	p.at("/login")
}
