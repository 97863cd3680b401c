package admin

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"strings"

	"barillet/internal/audit"
)

// sealedCursor begins a cursor that contains an encrypted id.
const sealedCursor = "sealed-"

// dryCursor begins what is sealed in the cursor of an empty page.
const dryCursor = "dry-"

// SealCursor returns a cursor that reveals nothing of the record after which a principal with a group scope continues. It is
// good for the principal with that id alone. dry means that its page is empty.
func (s *Service) SealCursor(principal, id string, dry bool) string {
	if dry {
		id = dryCursor + id
	}
	sealed := s.cursorCipher().Seal(nil, nil, []byte(id), []byte(principal))
	return sealedCursor + base64.RawURLEncoding.EncodeToString(sealed)
}

// OpenCursor returns the id in a cursor, and whether its page was empty. A cursor that is not sealed is an id. The error is
// audit.ErrID.
func (s *Service) OpenCursor(principal, cursor string) (id string, dry bool, err error) {
	text, sealed := strings.CutPrefix(cursor, sealedCursor)
	if !sealed {
		return cursor, false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", false, audit.ErrID
	}
	plain, err := s.cursorCipher().Open(nil, nil, raw, []byte(principal))
	if err != nil {
		return "", false, audit.ErrID
	}
	id, dry = strings.CutPrefix(string(plain), dryCursor)
	return id, dry, nil
}

func (s *Service) cursorCipher() cipher.AEAD {
	block, err := aes.NewCipher(s.Accounts.Pepper.MAC("log cursor"))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block has 16 bytes
	}
	return aead
}
