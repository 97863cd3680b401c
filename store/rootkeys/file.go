package rootkeys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	// ErrNoFile is wrapped by the error of ReadFile if the file does not exist.
	ErrNoFile = errors.New("no key file")
	// ErrFileMode is wrapped by the error of ReadFile if the group or others can read or write the file.
	ErrFileMode = errors.New("want 0600")
	// ErrNewer is wrapped by the error for a file that a newer program wrote.
	ErrNewer = errors.New("written by a newer version of the program")
)

// A key file of format 1 has five lines: its format, a comment for the reader, the two keys with their ids in base64, and a
// checksum of the lines before it. The checksum detects a truncated or mistyped file. Format 2 adds to a key when it was made, and
// lines of older master keys and of peppers for passwords. It is written only if a key was replaced.
const (
	keyFileName    = "barillet key file, format "
	keyFileFormat  = keyFileName + "1"
	keyFileFormat2 = keyFileName + "2"
	keyFileWords   = "# keep a copy apart from the store and its backups: without it the store cannot be read"
	keyFileMaxSize = 8 << 10
	masterLine     = "master"
	pepperLine     = "pepper"
	olderLine      = "older-master"
	passwordLine   = "password-pepper"
)

// CreateFile generates root keys and writes them to a new file with mode 0600. It syncs the file and its directory.
// If the file exists, the error wraps fs.ErrExist.
func CreateFile(path string) (Keys, error) {
	keys := New()
	return keys, createFile(path, keys)
}

func createFile(path string, keys Keys) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating key file: %w", err)
	}
	_, err = io.WriteString(f, formatKeyFile(keys))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(path) // an incomplete key file prevents every later start
		return fmt.Errorf("writing key file %s: %w", path, err)
	}
	return nil
}

// WriteFile creates a key file with keys, like CreateFile.
func WriteFile(path string, keys Keys) error { return createFile(path, keys) }

// ReplaceFile gives a key file other keys. It writes and syncs a second file, and renames that, so that each kill leaves the old
// file or the new one. The owner stays.
func ReplaceFile(path string, keys Keys) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("replacing key file: %w", err)
	}
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a kill
		return fmt.Errorf("replacing key file: %w", err)
	}
	if err := createFile(next, keys); err != nil {
		return err
	}
	err = sameOwner(next, path)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		os.Remove(next)
		return fmt.Errorf("replacing key file: %w", err)
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("replacing key file: %w", err)
	}
	return nil
}

// ReadFile returns the root keys in a file. It rejects a file that the group or others can read or write. The error
// names the file and the reason, without its content. It wraps ErrNoFile if the file does not exist.
func ReadFile(path string) (Keys, error) { return readFile(path, 0o077) }

// readFile rejects a file whose mode has one of the bits in private.
func readFile(path string, private uint32) (Keys, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Keys{}, fmt.Errorf("%w at %s", ErrNoFile, path)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("opening key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Keys{}, fmt.Errorf("reading key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Keys{}, fmt.Errorf("key file %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); uint32(mode)&private != 0 {
		return Keys{}, fmt.Errorf("key file %s has mode %04o, open to group or others: %w", path, mode, ErrFileMode)
	}
	raw, err := io.ReadAll(io.LimitReader(f, keyFileMaxSize+1))
	if err != nil {
		return Keys{}, fmt.Errorf("reading key file: %w", err)
	}
	keys, err := ParseFile(raw)
	if err != nil {
		return Keys{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// ParseFile returns the root keys in the text of a key file. The error wraps ErrNewer for a newer format.
func ParseFile(raw []byte) (Keys, error) {
	text := string(raw)
	first, _, _ := strings.Cut(text, "\n")
	if first != keyFileFormat && first != keyFileFormat2 {
		if strings.HasPrefix(text, keyFileName) {
			return Keys{}, fmt.Errorf("unknown format: %w", ErrNewer)
		}
		return Keys{}, errors.New("not a Barillet key file")
	}
	end := strings.LastIndex(text, "\ncheck ") + 1
	if end == 0 || text[end:] != "check "+keyFileSum(text[:end])+"\n" {
		return Keys{}, errors.New("checksum is missing or wrong: the file was truncated or changed")
	}
	lines := strings.Split(text[:end], "\n")
	if len(lines) < 5 || !strings.HasPrefix(lines[1], "#") || first == keyFileFormat && len(lines) != 5 {
		return Keys{}, errors.New("wrong number of lines")
	}
	var keys Keys
	master, created, err := parseKeyLine(lines[2], masterLine)
	if err != nil {
		return Keys{}, err
	}
	keys.Master = Master{master, created}
	pepper, created, err := parseKeyLine(lines[3], pepperLine)
	if err != nil {
		return Keys{}, err
	}
	keys.Pepper = newPepper(pepper, created)
	if !hasID(lines[2], keys.Master.ID()) || !hasID(lines[3], keys.Pepper.ID()) {
		return Keys{}, errWrongID
	}
	if first == keyFileFormat && strings.Count(lines[2]+lines[3], " ") > 4 {
		return Keys{}, errors.New("a key has a time, which format 1 does not know")
	}
	if first == keyFileFormat2 {
		if keys.replaced, err = parseReplaced(lines[4 : len(lines)-1]); err != nil {
			return Keys{}, err
		}
	}
	return keys, nil
}

// parseReplaced reads the further lines of format 2.
func parseReplaced(lines []string) (*replacedKeys, error) {
	out := new(replacedKeys)
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ")
		if name != olderLine && name != passwordLine {
			return nil, fmt.Errorf("line of an unknown kind: %w", ErrNewer)
		}
		raw, created, err := parseKeyLine(line, name)
		if err != nil {
			return nil, err
		}
		var id string
		if name == olderLine {
			k := Master{raw, created}
			out.masters, id = append(out.masters, k), k.ID()
		} else {
			k := newPepper(raw, created)
			out.passwords, id = append(out.passwords, k), k.ID()
		}
		if !hasID(line, id) {
			return nil, errWrongID
		}
	}
	return out, nil
}

var errWrongID = errors.New("a key does not match its id")

func hasID(line, id string) bool { return strings.Split(line, " ")[1] == id }

func formatKeyFile(keys Keys) string {
	var b strings.Builder
	format := keyFileFormat
	if keys.replaced != nil {
		format = keyFileFormat2
	}
	fmt.Fprintf(&b, "%s\n%s\n", format, keyFileWords)
	line := func(name, id string, key *[keySize]byte, created time.Time) {
		fmt.Fprintf(&b, "%s %s %s", name, id, base64.StdEncoding.EncodeToString(key[:]))
		if !created.IsZero() {
			b.WriteString(" " + created.UTC().Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
	line(masterLine, keys.Master.ID(), keys.Master.key, keys.Master.created)
	line(pepperLine, keys.Pepper.ID(), keys.Pepper.key.bytes, keys.Pepper.key.created)
	for _, k := range keys.OlderMasters() {
		line(olderLine, k.ID(), k.key, k.created)
	}
	for _, p := range keys.passwords() {
		line(passwordLine, p.ID(), p.key.bytes, p.key.created)
	}
	return b.String() + "check " + keyFileSum(b.String()) + "\n"
}

func keyFileSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// parseKeyLine returns the key in a line, and when it was made.
func parseKeyLine(line, name string) (*[keySize]byte, time.Time, error) {
	var created time.Time
	words := strings.Split(line, " ")
	if len(words) < 3 || len(words) > 4 || words[0] != name {
		return nil, created, fmt.Errorf("no line for the %s key", name)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(words[2])
	if err != nil || len(raw) != keySize {
		return nil, created, fmt.Errorf("%s key is not %d bytes of base64", name, keySize)
	}
	if len(words) == 4 {
		if created, err = time.Parse(time.RFC3339, words[3]); err != nil {
			return nil, created, fmt.Errorf("%s key has an invalid time", name)
		}
	}
	return (*[keySize]byte)(raw), created, nil
}
