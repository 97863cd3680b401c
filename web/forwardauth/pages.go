package forwardauth

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"strings"

	"barillet/web/reply"
)

// pages seals the page of a protected host that a browser asked for, so that it can travel in URLs of the service. Their
// readers, such as the history of a browser and a log, cannot read it, and no link can choose another.
type pages struct{ aead cipher.AEAD }

func newPages(key []byte) (pages, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return pages{}, fmt.Errorf("making the cipher of pages: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return pages{}, fmt.Errorf("making the cipher of pages: %w", err)
	}
	return pages{aead}, nil
}

// maxPage is the maximum length of a page that is sealed. A longer one is replaced by "/". MaxSealed is the maximum
// length of a sealed page.
const (
	maxPage   = 2 << 10
	MaxSealed = 3 << 10
)

// seal returns a page in a form for URLs. Only open, with the same host, can read it.
func (p pages) seal(host, page string) string {
	return base64.RawURLEncoding.EncodeToString(p.aead.Seal(nil, nil, []byte(pageOf(page)), []byte(host)))
}

// open returns a sealed page of the host; "/" if seal did not make it.
func (p pages) open(host, sealed string) string {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(sealed) > MaxSealed {
		return "/"
	}
	page, err := p.aead.Open(nil, nil, raw, []byte(host))
	if err != nil {
		return "/"
	}
	return pageOf(string(page))
}

// pageOf returns uri if it is a page of the protected host, and "/" otherwise.
func pageOf(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	if len(uri) > maxPage || path == hostReturnPath || !reply.IsLocalPath(uri) {
		return "/"
	}
	return uri
}
