package admin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize returns valid UTF-8 without control characters, invisible characters and characters that change the writing
// direction, and without surrounding spaces. It keeps line breaks if lines is set; otherwise it replaces them by
// spaces. ok is false if the text is longer than maxLength characters.
func Sanitize(text string, maxLength int, lines bool) (out string, ok bool) {
	if len(text) > 8*maxLength { // too long in every encoding, so it is not processed
		return "", false
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r == '\n', r == '\r', r == '\t', unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case r == '\u200c', r == '\u200d': // joiners that scripts and emoji need
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	return text, utf8.RuneCountInString(text) <= maxLength
}

// Cut returns the first maxLength characters of text, with an ellipsis if it is longer.
func Cut(text string, maxLength int) string {
	if utf8.RuneCountInString(text) <= maxLength {
		return text
	}
	return string([]rune(text)[:maxLength-1]) + "…"
}
