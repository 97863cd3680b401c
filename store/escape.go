package store

import (
	"errors"
	"fmt"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// Escape returns free text in a form that a key may contain. Bytes outside 0x21–0x7E, the percent sign and the slash
// become %XX. Two texts never have the same form.
func Escape(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = keepsPlain(text[i])
	}
	if plain {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if keepsPlain(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

// Unescape is the inverse of Escape. It returns an error for a text that Escape cannot produce, so each text has one
// key.
func Unescape(escaped string) (string, error) {
	out := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c != '%' {
			out = append(out, c)
			continue
		}
		if i+2 >= len(escaped) {
			return "", errors.New("escaped text ends inside %XX")
		}
		high := strings.IndexByte(upperHex, escaped[i+1])
		low := strings.IndexByte(upperHex, escaped[i+2])
		if high < 0 || low < 0 {
			return "", fmt.Errorf("escaped text has an invalid %%XX at byte %d", i)
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	text := string(out)
	if Escape(text) != escaped {
		return "", errors.New("escaped text is not in canonical form")
	}
	return text, nil
}

func keepsPlain(c byte) bool {
	return c >= 0x21 && c <= 0x7E && c != '%' && c != '/'
}
