package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barillet/cmd/barillet/config"
	"barillet/store/rootkeys"
)

func TestKeySource_IsTheFirstThatIsSet(t *testing.T) {
	data, credentials := t.TempDir(), t.TempDir()
	credential, elsewhere := filepath.Join(credentials, config.KeyName), filepath.Join(t.TempDir(), "x.key")
	keys, err := rootkeys.CreateFile(credential)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(credential, 0o440); err != nil { // as the mask of systemd's access control list
		t.Fatal(err)
	}
	text, err := os.ReadFile(credential)
	if err != nil {
		t.Fatal(err)
	}
	if err := rootkeys.WriteFile(elsewhere, keys); err != nil {
		t.Fatal(err)
	}
	variable, directory := "BARILLET_KEY="+string(text), "CREDENTIALS_DIRECTORY="+credentials
	for name, c := range map[string]struct {
		env   []string
		flag  string
		want  string
		fixed bool
	}{
		"nothing":               {nil, "", "key file " + filepath.Join(data, config.KeyName), false},
		"a variable":            {[]string{variable}, "", "environment variable BARILLET_KEY", true},
		"a credential":          {[]string{directory}, "", "credential barillet.key", true},
		"a variable before it":  {[]string{directory, variable}, "", "environment variable BARILLET_KEY", true},
		"a file before all":     {[]string{directory, variable}, elsewhere, "key file " + elsewhere, false},
		"a file of credentials": {[]string{directory}, credential, "credential barillet.key", true},
	} {
		flags := map[string]string{"data": data}
		if c.flag != "" {
			flags["key_file"] = c.flag
		}
		conf, err := config.Load("", c.env, flags)
		if err == nil {
			err = conf.NeedData()
		}
		if err == nil {
			err = conf.NeedData() // a second call changes nothing
		}
		if err != nil {
			t.Fatal(err)
		}
		root := conf.KeySource()
		if root.String() != c.want || root.Fixed() != c.fixed {
			t.Errorf("%s: got %s, fixed %v", name, root, root.Fixed())
		}
		if name != "nothing" {
			if got, err := root.Read(); err != nil || got.Master.ID() != keys.Master.ID() {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := os.Chmod(credential, 0o444); err != nil {
		t.Fatal(err)
	}
	if _, err := rootkeys.CredentialSource(credential).Read(); err == nil || !strings.Contains(err.Error(), "0444") {
		t.Errorf("a credential that others read: %v", err)
	}
}
