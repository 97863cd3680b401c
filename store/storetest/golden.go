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

var update = flag.Bool("update", false, "write the golden file of a record's newest version where there is none")

// Golden proves that every version of a record ever released still decodes, and that the newest is written as
// it was released: testdata/<record>.v<N>.json, in the folder of the calling test, for N from 1 to the kind's
// version. A released file never changes: -update writes a missing newest one only.
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
			t.Errorf("every version of %s keeps its file for ever (-update writes the newest): %v", kind.Prefix, err)
			continue
		}
		if version == kind.Version && !bytes.Equal(raw, want) {
			t.Errorf("%s: a record is now written as\n%s\nwhich needs a new version with an upgrade", path, want)
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
