package config

import (
	"strings"
	"testing"
)

func TestValidate_RejectsContradictionsOfTLS(t *testing.T) {
	const files = "certificate_file = \"c\"\nkey_file = \"k\"\n"
	const public = "public_url = \"https://login.garage.example\"\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                   {public, ""},
		"files":                     {public + "[tls]\n" + files, ""},
		"files, local name":         {"public_url = \"https://localhost:8443\"\n[tls]\n" + files, ""},
		"ACME":                      {public + "[tls]\nacme = true\nacme_agree_terms = true", ""},
		"ACME, other port by HTTP":  {"public_url = \"https://login.garage.example:8443\"\n[tls]\nacme = true\nacme_agree_terms = true\nlisten_http = \":80\"", ""},
		"a certificate without key": {public + "[tls]\ncertificate_file = \"c\"", "must be set together"},
		"a key without certificate": {public + "[tls]\nkey_file = \"k\"", "must be set together"},
		"files and ACME":            {public + "[tls]\nacme = true\nacme_agree_terms = true\n" + files, "are both set"},
		"terms without ACME":        {public + "[tls]\nacme_agree_terms = true", "tls.acme is not"},
		"ACME without terms":        {public + "[tls]\nacme = true", "requires that you agree"},
		"no certificate":            {public + "[tls]\nlisten_http = \":80\"", "requires a certificate"},
		"no public URL":             {"[tls]\n" + files, "public_url must begin with https://"},
		"http":                      {"public_url = \"http://localhost:8080\"\n[tls]\n" + files, "public_url must begin with https://"},
		"one port for both":         {public + "listen = \":443\"\n[tls]\nlisten_http = \"localhost:443\"\n" + files, "the same port 443"},
		"ACME for localhost":        {"public_url = \"https://localhost\"\n[tls]\nacme = true\nacme_agree_terms = true", "no CA can issue a certificate for localhost"},
		"ACME for a local name":     {"public_url = \"https://a.localhost\"\n[tls]\nacme = true\nacme_agree_terms = true", "no CA can issue"},
		"ACME at another port":      {"public_url = \"https://login.garage.example:8443\"\n[tls]\nacme = true\nacme_agree_terms = true", "public_url has port 8443"},
	} {
		conf := Defaults()
		err := conf.parse("barillet.toml", c.text)
		if err == nil {
			err = conf.validate("barillet.toml")
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	conf := Defaults()
	if err := conf.parse("barillet.toml", "[tls]\nacme_directory = \"http://ca.garage.example\""); err == nil {
		t.Error("a CA without TLS is accepted")
	}
}
