package storetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barillet/store"
)

var update = flag.Bool("update", false, "write missing golden files of the newest record versions")

// Golden tests that every released version of a record still decodes, and that sample is encoded as the newest version.
// The files are testdata/<prefix>.v<N>.json in the directory of the calling test, with N from 1 to the version of the
// kind. A released file must not change: -update writes only a missing file of the newest version.
func Golden[T any](t *testing.T, kind store.TableDef, upgrades []store.Upgrade, sample T) {
	t.Helper()
	want, err := json.MarshalIndent(sample, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	newest := goldenPath(kind, kind.Version)
	if _, err := os.Stat(newest); errors.Is(err, fs.ErrNotExist) && *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(newest, want, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for version := 1; version <= kind.Version; version++ {
		path := goldenPath(kind, version)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("reading a golden file of %s (-update writes the newest): %v", kind.Prefix, err)
			continue
		}
		if version == kind.Version && !bytes.Equal(raw, want) {
			t.Errorf("%s: the record is now encoded as\n%s\nadd a version with an upgrade", path, want)
		}
		plain, err := store.Upgraded(kind, upgrades, version, raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var v T
		strict := json.NewDecoder(bytes.NewReader(plain))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&v); err != nil {
			t.Errorf("%s does not decode: %v", path, err)
		}
	}
}

func goldenPath(kind store.TableDef, version int) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.v%d.json", strings.TrimSuffix(kind.Prefix, "/"), version))
}
