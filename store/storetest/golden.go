package storetest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"barillet/store"
)

var update = flag.Bool("update", false, "write missing golden files of the newest record versions")

// Update reports whether the tests write what is missing of their golden files.
func Update() bool { return *update }

// Golden tests that every released version of a record still decodes, and that sample is encoded as the newest version.
// The files are testdata/<prefix>.v<N>.txt in the directory of the calling test, with N from 1 to the version of the
// kind: the bytes in hexadecimal, after the same in diagnostic notation (RFC 8949 §8) for readers. A released file must not
// change: -update writes only a missing file of the newest version.
func Golden[T any](t *testing.T, kind store.TableDef, upgrades []store.Upgrade, sample T) {
	t.Helper()
	plain, err := store.Encode(sample)
	if err != nil {
		t.Fatal(err)
	}
	want, newest := goldenText(t, plain), goldenPath(kind, kind.Version)
	if _, err := os.Stat(newest); errors.Is(err, fs.ErrNotExist) && Update() {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(newest, []byte(want), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for version := 1; version <= kind.Version; version++ {
		path := goldenPath(kind, version)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("reading a golden file of %s (-update writes the newest): %v", kind.Prefix, err)
			continue
		}
		_, digits, _ := strings.Cut(string(text), "\n\n")
		raw, err := hex.DecodeString(strings.ReplaceAll(digits, "\n", ""))
		if err != nil || goldenText(t, raw) != string(text) {
			t.Errorf("%s: the bytes are not those of the notation: %v", path, err)
		}
		if version == kind.Version && !bytes.Equal(raw, plain) {
			t.Errorf("%s: the record is now encoded as\n%s\nadd a version with an upgrade", path, want)
		}
		upgraded, err := store.Upgraded(kind, upgrades, version, raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var v, strict T
		if err := store.Decode(upgraded, &v); err != nil {
			t.Errorf("%s does not decode: %v", path, err)
		}
		if err := knownFields.Unmarshal(upgraded, &strict); err != nil {
			t.Errorf("%s has a field that is not known: %v", path, err)
		}
		if version == kind.Version {
			if repeat, err := store.Encode(v); err != nil || !bytes.Equal(repeat, plain) {
				t.Errorf("%s: decoded as %+v, which is encoded as %x, %v", path, v, repeat, err)
			}
		}
	}
}

// knownFields is a decoder that refuses a field that the type does not have.
var knownFields = func() cbor.DecMode {
	mode, err := cbor.DecOptions{ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		BinaryUnmarshaler: cbor.BinaryUnmarshalerNone, TextUnmarshaler: cbor.TextUnmarshalerTextString, DefaultMapType: reflect.TypeFor[map[any]any]()}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// goldenText returns a record in diagnostic notation, an empty line, and the bytes in hexadecimal.
func goldenText(t *testing.T, plain []byte) string {
	t.Helper()
	mode, err := cbor.DiagOptions{ByteStringText: true}.DiagMode()
	if err != nil {
		t.Fatal(err)
	}
	notation, err := mode.Diagnose(plain)
	if err != nil {
		t.Fatal(err)
	}
	out := indent(notation) + "\n\n"
	for digits := hex.EncodeToString(plain); digits != ""; {
		line := digits[:min(len(digits), 96)]
		out, digits = out+line+"\n", digits[len(line):]
	}
	return out
}

// indent puts each member of an array or a map on its own line.
func indent(notation string) string {
	var out strings.Builder
	depth, quote := 0, byte(0)
	newline := func() { out.WriteString("\n" + strings.Repeat("\t", depth)) }
	for i := 0; i < len(notation); i++ {
		c := notation[i]
		switch {
		case quote != 0 && c == '\\':
			out.WriteByte(c)
			i++
			c = notation[i]
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case (c == '{' || c == '[') && notation[i+1] != c+2: // the closing bracket is two after the opening one
			depth++
			out.WriteByte(c)
			newline()
			continue
		case (c == '}' || c == ']') && notation[i-1] != c-2:
			depth--
			newline()
		case c == ',':
			out.WriteByte(c)
			newline()
			i++ // the blank
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

func goldenPath(kind store.TableDef, version int) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.v%d.txt", strings.TrimSuffix(kind.Prefix, "/"), version))
}
