package store

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
)

// ErrNoKeyFile is wrapped by the error of ReadKeyFile if the file does not exist.
var ErrNoKeyFile = errors.New("no key file")

// ErrKeyFileMode is wrapped by the error of ReadKeyFile if the group or others can read or write the file.
var ErrKeyFileMode = errors.New("want 0600")

// The key file has five lines: its format, a comment for the reader, the two keys with their ids in base64, and a
// checksum of the lines before it. The checksum detects a truncated or mistyped file.
const (
	keyFileName    = "barillet key file, format "
	keyFileFormat  = keyFileName + "1"
	keyFileWords   = "# keep a copy apart from the store and its backups: without it the store cannot be read"
	keyFileMaxSize = 4 << 10
)

// CreateKeyFile generates root keys and writes them to a new file with mode 0600. It syncs the file and its directory.
// If the file exists, the error wraps fs.ErrExist.
func CreateKeyFile(path string) (RootKeys, error) {
	keys := NewRootKeys()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return RootKeys{}, fmt.Errorf("creating key file: %w", err)
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
		return RootKeys{}, fmt.Errorf("writing key file %s: %w", path, err)
	}
	return keys, nil
}

// ReadKeyFile returns the root keys in a file. It rejects a file that the group or others can read or write. The error
// names the file and the reason, without its content. It wraps ErrNoKeyFile if the file does not exist.
func ReadKeyFile(path string) (RootKeys, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return RootKeys{}, fmt.Errorf("%w at %s", ErrNoKeyFile, path)
	}
	if err != nil {
		return RootKeys{}, fmt.Errorf("opening key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return RootKeys{}, fmt.Errorf("reading key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return RootKeys{}, fmt.Errorf("key file %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return RootKeys{}, fmt.Errorf("key file %s has mode %04o, open to group or others: %w", path, mode, ErrKeyFileMode)
	}
	raw, err := io.ReadAll(io.LimitReader(f, keyFileMaxSize+1))
	if err != nil {
		return RootKeys{}, fmt.Errorf("reading key file: %w", err)
	}
	keys, err := ParseKeyFile(raw)
	if err != nil {
		return RootKeys{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// ParseKeyFile returns the root keys in the text of a key file. The error wraps ErrNewer for a newer format.
func ParseKeyFile(raw []byte) (RootKeys, error) {
	text := string(raw)
	if !strings.HasPrefix(text, keyFileFormat+"\n") {
		if strings.HasPrefix(text, keyFileName) {
			return RootKeys{}, fmt.Errorf("unknown format: %w", ErrNewer)
		}
		return RootKeys{}, errors.New("not a Barillet key file")
	}
	end := strings.LastIndex(text, "\ncheck ") + 1
	if end == 0 || text[end:] != "check "+keyFileSum(text[:end])+"\n" {
		return RootKeys{}, errors.New("checksum is missing or wrong: the file was truncated or changed")
	}
	lines := strings.Split(text[:end], "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[1], "#") {
		return RootKeys{}, errors.New("wrong number of lines")
	}
	var keys RootKeys
	var err error
	if keys.Master.key, err = parseKeyLine(lines[2], "master"); err != nil {
		return RootKeys{}, err
	}
	pepper, err := parseKeyLine(lines[3], "pepper")
	if err != nil {
		return RootKeys{}, err
	}
	keys.Pepper = newPepper(pepper)
	if !strings.HasPrefix(lines[2], "master "+keys.Master.ID()+" ") || !strings.HasPrefix(lines[3], "pepper "+keys.Pepper.ID()+" ") {
		return RootKeys{}, errors.New("a key does not match its id")
	}
	return keys, nil
}

func formatKeyFile(keys RootKeys) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", keyFileFormat, keyFileWords)
	fmt.Fprintf(&b, "master %s %s\n", keys.Master.ID(), base64.StdEncoding.EncodeToString(keys.Master.key[:]))
	fmt.Fprintf(&b, "pepper %s %s\n", keys.Pepper.ID(), base64.StdEncoding.EncodeToString(keys.Pepper.key.bytes[:]))
	return b.String() + "check " + keyFileSum(b.String()) + "\n"
}

func keyFileSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func parseKeyLine(line, name string) (*[keySize]byte, error) {
	words := strings.Split(line, " ")
	if len(words) != 3 || words[0] != name {
		return nil, fmt.Errorf("no line for the %s key", name)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(words[2])
	if err != nil || len(raw) != keySize {
		return nil, fmt.Errorf("%s key is not %d bytes of base64", name, keySize)
	}
	return (*[keySize]byte)(raw), nil
}
