package breach_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/password/breach"
)

var imported = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// line returns the line of a list about a password.
func line(password string, count int) string {
	return fmt.Sprintf("%X:%d\n", sha1.Sum([]byte(password)), count)
}

// list returns the list of n passwords, seen 1 to 10 times, and whether it is sorted as the public one is.
func list(n int, sorted bool) string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = line(known(i), i%10+1)
	}
	if sorted {
		slices.Sort(lines)
	}
	return strings.Join(lines, "")
}

func known(i int) string { return fmt.Sprintf("breached password %d", i) }

func mustImport(t testing.TB, dir, list string, minCount uint64) breach.Info {
	t.Helper()
	info, err := breach.Import(context.Background(), dir, strings.NewReader(list), minCount, imported)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func contains(t testing.TB, f *breach.File, password string) bool {
	t.Helper()
	found, err := f.Contains(password)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func open(t testing.TB, dir string) *breach.File {
	f := breach.NewFile(filepath.Join(dir, breach.Name))
	t.Cleanup(func() { f.Close() })
	return f
}

func TestContains_FindsEachOfAMillionAndFewOthers(t *testing.T) {
	const n, others = 1_200_000, 1_200_000
	dir := t.TempDir()
	info, err := breach.ImportInRuns(t.Context(), dir, strings.NewReader(list(n, false)), 1, imported, 100_000) // twelve runs
	if err != nil {
		t.Fatal(err)
	}
	if info.Entries > n || info.Entries < n-n/1000 || info.MinCount != 1 || !info.Imported.Equal(imported) {
		t.Errorf("got %+v, want nearly %d entries", info, n)
	}
	if perEntry := float64(info.Size) / n; perEntry > 2.2 {
		t.Errorf("the file has %.2f bytes for an entry, want at most 2.2", perEntry)
	}
	f := open(t, dir)
	for i := range n {
		if !contains(t, f, known(i)) {
			t.Fatalf("%q is missing", known(i))
		}
	}
	wrong := 0
	for i := range others {
		if contains(t, f, fmt.Sprintf("another password %d", i)) {
			wrong++
		}
	}
	rate, stated := float64(wrong)/others, info.FalsePositives()
	t.Logf("%d entries, %d bytes; false positives: measured %.6f, stated %.6f", info.Entries, info.Size, rate, stated)
	if stated > 0.001 || rate > 1.2*stated || rate < 0.8*stated {
		t.Errorf("false positives: measured %.6f, stated %.6f, want about the same and at most 0.001", rate, stated)
	}
}

// The order of a list, its case, compression, line ends, repetitions and counts change nothing about the entries.
func TestImport_ReadsEachFormOfAList(t *testing.T) {
	sorted := list(5000, true)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, sorted)
	w.Close()
	plain := strings.Builder{}
	for l := range strings.Lines(sorted) {
		plain.WriteString(l[:40] + "\n")
	}
	forms := map[string]string{
		"sorted": sorted, "not sorted": list(5000, false), "lower case": strings.ToLower(sorted), "compressed": packed.String(),
		"line ends of Windows, and a byte order mark": "\xef\xbb\xbf" + strings.ReplaceAll(sorted, "\n", "\r\n"),
		"no counts": plain.String(), "twice, with empty lines": sorted + "\n\n" + sorted, "no line end at the end": strings.TrimSpace(sorted),
	}
	want := []byte(nil)
	for _, form := range append([]string{"sorted"}, slices.Sorted(func(yield func(string) bool) {
		for name := range forms {
			if !yield(name) {
				return
			}
		}
	})...) {
		dir := t.TempDir()
		if _, err := breach.ImportInRuns(t.Context(), dir, strings.NewReader(forms[form]), 1, imported, 10_000); err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		got, err := os.ReadFile(filepath.Join(dir, breach.Name))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: another filter", form)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
			t.Errorf("%s: the directory has %v", form, left)
		}
	}
}

func TestImport_MinCount(t *testing.T) {
	dir := t.TempDir()
	if info := mustImport(t, dir, line("once", 1)+line("twice", 2)+line("often", 400), 2); info.Entries != 2 || info.MinCount != 2 {
		t.Errorf("got %+v", info)
	}
	f := open(t, dir)
	for password, want := range map[string]bool{"once": false, "twice": true, "often": true} {
		if contains(t, f, password) != want {
			t.Errorf("%s: got %v", password, !want)
		}
	}
}

func TestImport_RejectsOtherLists(t *testing.T) {
	for name, tt := range map[string]struct {
		list     string
		minCount uint64
		want     string
	}{
		"an empty list":              {"", 1, "it is empty"},
		"NTLM hashes":                {line("a", 1) + "8846F7EAEE8FB117AD06BDD830B7586C:3\n", 1, "line 2: 32 characters before the count, want the 40 hexadecimal digits of a SHA-1 hash"},
		"passwords":                  {"azerty\n", 1, "line 1: 6 characters"},
		"other digits":               {strings.Repeat("z", 40) + ":1\n", 1, "line 1: not a SHA-1 hash"},
		"a count that is none":       {line("a", 1)[:41] + "many\n", 1, "the count after the colon is not a number"},
		"no counts for a minimum":    {line("a", 1)[:40] + "\n", 2, "line 1: no count"},
		"a minimum that none has":    {line("a", 1), 2, "no password was seen 2 times"},
		"a long line":                {strings.Repeat("A", 1<<20), 1, "line 1: too long"},
		"a damaged compressed list":  {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x00", 1, "reading the list after line 0"},
		"a list that is cut in line": {line("a", 1) + line("b", 1)[:12], 1, "line 2: 12 characters"},
	} {
		dir := t.TempDir()
		before := mustImport(t, dir, line("kept", 1), 1)
		_, err := breach.Import(t.Context(), dir, strings.NewReader(tt.list), tt.minCount, imported)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if info, err := breach.Verify(filepath.Join(dir, breach.Name)); err != nil || info != before {
			t.Errorf("%s: the filter before is %+v, %v", name, info, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
			t.Errorf("%s: the directory has %v", name, left)
		}
	}
}

func TestImport_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := breach.Import(ctx, dir, strings.NewReader(line("a", 1)), 1, imported); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("the directory has %v", left)
	}
}

// A running service uses a new file without a restart, and no file at all is no error.
func TestFile_OpensANewFilter(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	if contains(t, f, "first") {
		t.Error("found without a file")
	}
	if _, err := f.Info(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("info without a file: %v", err)
	}
	for _, password := range []string{"first", "second"} {
		mustImport(t, dir, line(password, 1), 1)
		if !contains(t, f, password) || contains(t, f, "third") {
			t.Errorf("%s: not found, or another is", password)
		}
	}
	if contains(t, f, "first") {
		t.Error("the first filter is still used")
	}
	os.Remove(filepath.Join(dir, breach.Name))
	if contains(t, f, "second") {
		t.Error("found after the file was removed")
	}
}

// Each damage is an error of Verify, and a foreign or cut file is one of each look-up.
func TestFile_RejectsDamage(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, list(2000, true), 1)
	path := filepath.Join(dir, breach.Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, dir)
	for name, damaged := range map[string][]byte{
		"empty": {}, "foreign": []byte(strings.Repeat("not a filter", 100)), "cut": whole[:len(whole)-1], "longer": append(slices.Clone(whole), 0),
		"header": flipped(whole, 40), "version": flipped(whole, 29),
	} {
		if err := os.WriteFile(path+".other", damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Rename(path+".other", path)
		if _, err := breach.Verify(path); !errors.Is(err, breach.ErrForeign) {
			t.Errorf("%s: verify: %v", name, err)
		}
		if found, err := f.Contains(known(1)); found || !errors.Is(err, breach.ErrForeign) {
			t.Errorf("%s: look-up: %v, %v", name, found, err)
		}
	}
	for at := 0; at < len(whole); at += 7 {
		os.WriteFile(path+".other", flipped(whole, at), 0o600)
		os.Rename(path+".other", path)
		if _, err := breach.Verify(path); !errors.Is(err, breach.ErrForeign) {
			t.Fatalf("byte %d: verify: %v", at, err)
		}
		f.Contains(known(at)) // never panics
	}
}

func flipped(whole []byte, at int) []byte {
	damaged := slices.Clone(whole)
	damaged[at] ^= 0x80
	return damaged
}

func BenchmarkContains(b *testing.B) {
	dir := b.TempDir()
	mustImport(b, dir, list(1_000_000, true), 1)
	f := open(b, dir)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		contains(b, f, known(i))
		i++
	}
}

func BenchmarkImport(b *testing.B) {
	text := list(1_000_000, true)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		mustImport(b, b.TempDir(), text, 1)
	}
}
