package rootkeys

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// ErrFixed is wrapped by the error of Replace for keys that the service cannot write.
var ErrFixed = errors.New("the service cannot change its keys there")

// Source is where the keys of a service are. The zero value is unusable.
type Source struct {
	path    string // of the key file; empty: the keys are in text
	text    string
	private uint32 // bits of a file mode that are refused
	name    string // for errors
	fixed   bool
}

// FileSource is a key file of mode 0600, which the service can replace.
func FileSource(path string) Source {
	return Source{path: path, private: 0o077, name: "key file " + path}
}

// CredentialSource is a key file in the directory of systemd credentials. systemd lets the user of the service read it by an access
// control list, whose mask is shown as the rights of the group.
func CredentialSource(path string) Source {
	return Source{path: path, private: 0o037, name: "credential " + filepath.Base(path), fixed: true}
}

// TextSource is the text of a key file, or that in base64, from an environment variable.
func TextSource(variable, text string) Source {
	return Source{text: text, name: "environment variable " + variable, fixed: true}
}

// String names the source, without its content.
func (s Source) String() string { return s.name }

// Format prints the name, because fmt prints unexported fields.
func (s Source) Format(f fmt.State, _ rune) { f.Write([]byte(s.name)) }

// Fixed reports whether only the operator can change the keys.
func (s Source) Fixed() bool { return s.fixed }

// Read returns the keys.
func (s Source) Read() (Keys, error) {
	if s.path != "" {
		return readFile(s.path, s.private)
	}
	raw := []byte(strings.TrimSpace(s.text) + "\n") // a shell drops the end of the last line
	if !strings.HasPrefix(s.text, keyFileName) {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s.text))
		if err != nil {
			return Keys{}, fmt.Errorf("%s: neither a key file nor its base64", s.name)
		}
		raw = decoded
	}
	keys, err := ParseFile(raw)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", s.name, err)
	}
	return keys, nil
}

// Replace stores other keys. The error wraps ErrFixed if it cannot.
func (s Source) Replace(keys Keys) error {
	if s.fixed {
		return fmt.Errorf("%s: %w", s.name, ErrFixed)
	}
	return ReplaceFile(s.path, keys)
}
