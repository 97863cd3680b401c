package admin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize makes a text inert that somebody wrote: valid, without control characters and without those that turn
// the direction of writing or hide, outer blanks cut; lines are kept where asked for, else joined. ok is false
// for one that is longer than most characters.
func Sanitize(text string, most int, lines bool) (out string, ok bool) {
	if len(text) > 8*most { // however it is written: nothing to look at
		return "", false
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r == '\n', r == '\r', r == '\t', unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case r == '\u200c', r == '\u200d': // joiners that scripts and pictures need
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	return text, utf8.RuneCountInString(text) <= most
}

// Cut is the beginning of a text, at most so many characters.
func Cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
