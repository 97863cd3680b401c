package e2e_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kubernetesUser is a user as the Kubernetes API server sees one.
type kubernetesUser struct {
	Name   string
	Groups []string
}

// kubernetes judges a token with the authenticator of the Kubernetes API server and a configuration of issuers. trusts is
// a file of certificates. It returns why the token is refused, or the user.
func kubernetes(tb testing.TB, config, trusts, token string) (user kubernetesUser, refused string) {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "authentication.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	var stderr bytes.Buffer
	c := exec.CommandContext(tb.Context(), clientProgram(tb, "kubernetes", "./kubernetes"), "--authentication-config", file)
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+trusts)
	c.Stdin, c.Stderr = strings.NewReader(token+"\n"), &stderr
	out, err := c.Output()
	if err != nil {
		tb.Fatalf("running the authenticator: %v: %s", err, stderr.String())
	}
	line := strings.TrimSpace(string(out))
	if why, is := strings.CutPrefix(line, "refused: "); is {
		return user, why
	}
	if err := json.Unmarshal([]byte(line), &user); err != nil {
		tb.Fatalf("the authenticator said %q", line)
	}
	return user, ""
}

// behindTLS starts a service whose public address is https, behind a proxy with a certificate that trusts names.
func behindTLS(tb testing.TB) (h *Env, trusts string) {
	tb.Helper()
	certificate, pem := selfSigned(tb, "localhost")
	trusts = filepath.Join(tb.TempDir(), "ca.pem")
	pool := x509.NewCertPool()
	if err := os.WriteFile(trusts, pem, 0o600); err != nil || !pool.AppendCertsFromPEM(pem) {
		tb.Fatalf("writing the certificate: %v", err)
	}
	to := &url.URL{Scheme: "http", Host: fmt.Sprintf("localhost:%d", freePort(tb))}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // browsers say at length that they know no such authority
	public := fmt.Sprintf("https://localhost:%d", front.Listener.Addr().(*net.TCPAddr).Port)
	h = Open(tb, EnvOptions{Config: fmt.Sprintf("trusted_proxies = [\"127.0.0.1\", \"::1\"]\npublic_url = %q\n", public), Args: []string{"--listen", to.Host}})
	front.StartTLS()
	tb.Cleanup(front.Close)
	h.Admin.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return h, trusts
}

// kubernetesApplication registers the application of docs/applications.md, with one redirect URI.
func (h *Env) kubernetesApplication(tb testing.TB, redirect string) registered {
	tb.Helper()
	return h.applicationOf(tb, "### Kubernetes", "http://localhost:8000", redirect)
}

// kubernetesToken signs an invited user in as kubelogin does, at a redirect URI without a path.
func kubernetesToken(tb testing.TB, h *Env, trusts string, app registered, redirect string, p *Person, invitation string) (token string) {
	tb.Helper()
	p.accept(invitation)
	p.phone("other", "Téléphone")
	p.later()
	x := startTerminal(tb, h, app, []string{"SSL_CERT_FILE=" + trusts}, "-redirect", redirect, "-scope", "openid profile email groups offline_access")
	p.Open(x.reads("open "))
	p.Submit(`button[name="decision"][value="yes"]`)
	p.Wait("#done")
	return x.tokens(h).ID
}

// TestKubernetes_AcceptsTokens shows ID tokens to the authenticator of the API server with the configuration of
// docs/applications.md.
func TestKubernetes_AcceptsTokens(t *testing.T) {
	t.Parallel()
	h, trusts := behindTLS(t)
	redirect := fmt.Sprintf("http://localhost:%d", freePort(t))
	app := h.kubernetesApplication(t, redirect)
	p := h.Person(t, "lea@garage.example", "sept marteaux et une enclume", BrowserOptions{AnyCertificate: true})
	invitation := h.invitation(p.Login, "Léa Vasseur")
	group := h.group(t, p.Login)
	token := kubernetesToken(t, h, trusts, app, redirect, p, invitation)

	config := recipe(t, "applications.md", "### Kubernetes", "yaml", "https://login.garage.example", h.URL, "CLIENT_ID", app.ID)
	user, refused := kubernetes(t, config, trusts, token)
	if refused != "" || user.Name != p.Login || !slices.Equal(user.Groups, []string{"barillet:" + group}) {
		t.Errorf("got %+v %s, want %s in the group %s", user, refused, p.Login, group)
	}
	if user, refused = kubernetes(t, strings.Replace(config, app.ID, "another", 1), trusts, token); refused == "" {
		t.Errorf("a token for another client is taken for one of %+v", user)
	}
}

// TestKubernetes_NamesUserByVerifiedAddress has the API server name users by their addresses: it refuses one that nobody
// has verified.
func TestKubernetes_NamesUserByVerifiedAddress(t *testing.T) {
	for name, test := range map[string]struct {
		invite  func(h *Env, login, name string) string
		refused string
	}{
		"mailed": {(*Env).invite, ""},
		"shown":  {(*Env).invitation, "email not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, trusts := behindTLS(t)
			redirect := fmt.Sprintf("http://localhost:%d", freePort(t))
			app := h.kubernetesApplication(t, redirect)
			p := h.Person(t, "lea@garage.example", "sept marteaux et une enclume", BrowserOptions{AnyCertificate: true})
			token := kubernetesToken(t, h, trusts, app, redirect, p, test.invite(h, p.Login, "Léa Vasseur"))
			config := recipe(t, "applications.md", "### Kubernetes", "yaml", "https://login.garage.example", h.URL, "CLIENT_ID", app.ID, "preferred_username", "email")
			user, refused := kubernetes(t, config, trusts, token)
			if !strings.Contains(refused, test.refused) || (refused == "") != (user.Name == p.Login) || (refused == "") != (test.refused == "") {
				t.Errorf("got %+v, refused: %q, want %q", user, refused, test.refused)
			}
		})
	}
}
