package rootkeys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barillet/store/rootkeys"
)

func TestCreateFile_WritesOnceAndIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "barillet.key")
	if _, err := rootkeys.ReadFile(path); !errors.Is(err, rootkeys.ErrNoFile) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: got %v, want ErrNoKeyFile with the path", err)
	}
	made, err := rootkeys.CreateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read, err := rootkeys.ReadFile(path)
	if err != nil || read.Master.ID() != made.Master.ID() || read.Pepper.ID() != made.Pepper.ID() {
		t.Errorf("read other keys, or got %v", err)
	}
	if !bytes.Equal(read.Pepper.MAC("x"), made.Pepper.MAC("x")) {
		t.Error("read another pepper")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
	if _, err := rootkeys.CreateFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing file: got %v, want fs.ErrExist", err)
	}
}

func TestReadFile_RejectsInvalidFileWithoutItsKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "barillet.key")
	if _, err := rootkeys.CreateFile(path); err != nil {
		t.Fatal(err)
	}
	valid, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(valid)
	key := strings.Fields(strings.Split(text, "\n")[2])[2]
	for name, bad := range map[string]string{
		"empty":                "",
		"cut by a byte":        text[:len(text)-1],
		"cut in half":          text[:len(text)/2],
		"longer":               text + "\n",
		"a letter changed":     strings.Replace(text, "without", "Without", 1),
		"a key changed":        strings.Replace(text, key, "A"+key[1:len(key)-2]+"A=", 1),
		"keys swapped":         strings.NewReplacer("master", "pepper", "pepper", "master").Replace(text),
		"of a newer format":    strings.Replace(text, "format 1", "format 3", 1),
		"of format 2 by name":  strings.Replace(text, "format 1", "format 2", 1),
		"some other text file": "hello\n",
	} {
		os.WriteFile(path, []byte(bad), 0o600)
		got, err := rootkeys.ReadFile(path)
		if err == nil || got != (rootkeys.Keys{}) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), key) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	os.WriteFile(path, valid, 0o600)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		os.Chmod(path, mode)
		if _, err := rootkeys.ReadFile(path); err == nil || !strings.Contains(err.Error(), "0600") {
			t.Errorf("mode %o: got %v", mode, err)
		}
	}
	if _, err := rootkeys.ReadFile(t.TempDir()); err == nil {
		t.Error("no error for a directory")
	}
}

func TestKeys_PrintAsRedacted(t *testing.T) {
	keys := rootkeys.New()
	nested := struct{ keys rootkeys.Keys }{keys}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "master", keys.Master, "pepper", keys.Pepper, "keys", keys)
	for _, v := range []any{keys, &keys, keys.Master, keys.Pepper} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{string(text), fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%x", v), fmt.Sprintf("%d", v)} {
			if !strings.Contains(got, "[redacted]") || len(got) > 30 {
				t.Errorf("%T prints as %s", v, got)
			}
		}
	}
	if got := fmt.Sprintf("%v", nested); len(got) > 60 {
		t.Errorf("in an unexported field the keys print as %s", got)
	}
	if got := strings.Count(log.String(), "[redacted]"); got != 3 {
		t.Errorf("log has %d redactions, want 3: %s", got, &log)
	}
}

func TestPepperMAC_SeparatesPurposesAndParts(t *testing.T) {
	pepper := rootkeys.New().Pepper
	seen := map[string]string{}
	for name, parts := range map[string][]string{
		"ab c": {"p", "ab", "c"}, "a bc": {"p", "a", "bc"}, "abc": {"p", "abc"}, "no part": {"p"}, "an empty part": {"p", ""},
		"another purpose": {"q", "abc"}, "purpose and part": {"pabc"}, "swapped": {"p", "c", "ab"},
	} {
		var raw [][]byte
		for _, part := range parts[1:] {
			raw = append(raw, []byte(part))
		}
		mac := string(pepper.MAC(parts[0], raw...))
		if len(mac) != 32 || mac != string(pepper.MAC(parts[0], raw...)) {
			t.Errorf("%s: not the same 32 bytes twice", name)
		}
		if other := seen[mac]; other != "" {
			t.Errorf("%q and %q have the same MAC", name, other)
		}
		seen[mac] = name
	}
}

func FuzzParseFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "barillet.key")
	if _, err := rootkeys.CreateFile(path); err != nil {
		f.Fatal(err)
	}
	valid, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add(valid[:len(valid)/2])
	f.Add([]byte("barillet key file, format 1\n#\nmaster\npepper\ncheck \n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		keys, err := rootkeys.ParseFile(in)
		if err != nil && keys != (rootkeys.Keys{}) {
			t.Error("ParseFile returned keys with an error")
		}
		if err == nil && (len(keys.Master.ID()) != 16 || len(keys.Pepper.ID()) != 16) {
			t.Error("ParseFile returned no error and no key")
		}
	})
}
