package helpdesk

import (
	"errors"
	"fmt"
	"strings"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/store"
)

// numberLength is the number of characters of Request.Number.
const numberLength = 6

// newReference returns a reference of a request for one text, such as "H-7K3F-2Q9M-4TBX". Its first half is random, and its
// second is the number of the request, encrypted under the first. So it finds the request without a list of references, and two
// references do not show whether they are of one request (promise A12).
func (s *Service) newReference(tx *account.Tx, c *Request) string {
	nonce := drawNumber(tx, "help reference")
	all := nonce + s.encryptNumber(nonce, c.Number)
	return "H-" + all[:4] + "-" + all[4:8] + "-" + all[8:]
}

// numberOf returns the number in a reference that a user states or types. Most texts in the form of a reference have a number that
// no request has.
func (s *Service) numberOf(typed string) (number string, is bool) {
	if len(typed) > 64 {
		return "", false
	}
	code, is := strings.CutPrefix(secret.NormalizeShortCode(typed), "H")
	if !is || len(code) != 2*numberLength || strings.Trim(code, secret.ShortCodeAlphabet) != "" {
		return "", false
	}
	return s.encryptNumber(code[:numberLength], code[numberLength:]), true
}

// encryptNumber encrypts a number under a nonce, or decrypts an encrypted one.
func (s *Service) encryptNumber(nonce, number string) string {
	key, out := s.accounts.Pepper.MAC("help reference", []byte(nonce)), make([]byte, numberLength)
	for i := range out {
		out[i] = secret.ShortCodeAlphabet[strings.IndexByte(secret.ShortCodeAlphabet, number[i])^int(key[i]&31)]
	}
	return string(out)
}

// drawNumber returns random characters of the length of a number.
func drawNumber(tx *account.Tx, label string) string {
	return secret.NormalizeShortCode(tx.Op.Code(label).Reveal())[:numberLength]
}

// putNumber gives a new request a number that no other has, and stores which request has it.
func (s *Service) putNumber(tx *account.Tx, c *Request) error {
	for n := 0; ; n++ {
		c.Number = drawNumber(tx, fmt.Sprint("help number ", n))
		_, err := s.requests.Get(tx.Raw, numberKey(c.Number))
		switch {
		case err == nil:
			continue
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up the number of a help request: %w", err)
		}
		if err := s.requests.Put(tx.Raw, numberKey(c.Number), Request{ID: c.ID}); err != nil {
			return fmt.Errorf("storing the number of a help request: %w", err)
		}
		return nil
	}
}
