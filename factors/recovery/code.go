package recovery

import (
	"strings"
	"unicode/utf8"

	"barillet/internal/input"
)

// maxAnswer is the longest answer that is read, in bytes: sixteen characters, dashes and blanks.
const maxAnswer = 128

// codeChars is the length of a code: 80 bits, five for each character.
const codeChars = codeBytes * 8 / 5

// parse reads a code as people write one: in any case, with or without dashes and blanks, O for 0, I or L for 1.
func parse(answer []byte) (string, bool) {
	if len(answer) > maxAnswer || !utf8.Valid(answer) {
		return "", false
	}
	var text strings.Builder
	for _, c := range input.Code(string(answer)) {
		switch {
		case c == '-':
			continue
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		switch c {
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if c == 'U' || (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return "", false
		}
		text.WriteRune(c)
	}
	if text.Len() != codeChars {
		return "", false
	}
	return text.String(), true
}

// grouped separates a code into groups of four.
func grouped(text string) string {
	var out strings.Builder
	for i, c := range text {
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteRune(c)
	}
	return out.String()
}
