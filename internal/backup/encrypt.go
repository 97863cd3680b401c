package backup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
)

// ageMagic begins each file of age (age-encryption.org/v1).
const ageMagic = "age-encryption.org/"

// Recipients are the public keys to which backups are encrypted. The zero value means no encryption.
type Recipients struct{ keys []age.Recipient }

// ParseRecipients reads public keys of age: "age1…".
func ParseRecipients(keys []string) (Recipients, error) {
	var r Recipients
	for _, key := range keys {
		parsed, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil || len(parsed) != 1 {
			return Recipients{}, fmt.Errorf("%q is not a public key of age such as \"age1…\"", shorten(key)) // it may be a secret one
		}
		r.keys = append(r.keys, parsed[0])
	}
	if len(keys) > 0 { // age refuses some kinds together
		if _, err := age.Encrypt(io.Discard, r.keys...); err != nil {
			return Recipients{}, errors.New("a post-quantum key cannot be listed beside another kind of key")
		}
	}
	return r, nil
}

// shorten returns the beginning of a text.
func shorten(text string) string {
	if len(text) > 8 {
		return text[:8] + "…"
	}
	return text
}

// Len returns the number of keys.
func (r Recipients) Len() int { return len(r.keys) }

// Identities are the secret keys that open encrypted backups.
type Identities struct{ keys []age.Identity }

// ReadIdentities reads the secret keys in a file of age-keygen.
func ReadIdentities(path string) (Identities, error) {
	f, err := os.Open(path)
	if err != nil {
		return Identities{}, fmt.Errorf("opening identity file: %w", err)
	}
	defer f.Close()
	keys, err := age.ParseIdentities(f)
	if err != nil {
		return Identities{}, fmt.Errorf("%s is not an identity file of age: %w", path, err)
	}
	return Identities{keys}, nil
}

// encrypt returns a writer that encrypts, and a function that ends it.
func (r Recipients) encrypt(w io.Writer) (io.Writer, func() error, error) {
	if len(r.keys) == 0 {
		return w, func() error { return nil }, nil
	}
	encrypted, err := age.Encrypt(w, r.keys...)
	if err != nil {
		return nil, nil, fmt.Errorf("encrypting: %w", err)
	}
	return encrypted, encrypted.Close, nil
}

// decrypt returns a reader of what is encrypted, or of r itself. age limits the size of its header, and refuses a cut or longer file
// when it is read to its end.
func (i Identities) decrypt(r *bufio.Reader) (io.Reader, error) {
	begin, err := r.Peek(len(ageMagic))
	if !bytes.Equal(begin, []byte(ageMagic)) {
		return r, nil // also of a short or unreadable file, which readManifest refuses
	}
	if len(i.keys) == 0 {
		return nil, fmt.Errorf("%w, and no identity file is named", ErrNoIdentity)
	}
	plain, err := age.Decrypt(r, i.keys...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("%w to other keys than those of the identity file", ErrNoIdentity)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: decrypting: %w", ErrDamaged, err)
	}
	return plain, nil
}
