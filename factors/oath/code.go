package oath

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAnswer is the longest answer that is read, in bytes: six digits and many blanks.
const maxAnswer = 64

// ParseCode reads six ASCII digits. It drops blanks of any kind: apps show "123 456" with a plain, a no-break or a
// thin one, and phones paste them. It accepts no sign and no digit of another script, so that a code has one spelling.
func ParseCode(answer []byte) (string, bool) {
	if len(answer) > maxAnswer || !utf8.Valid(answer) {
		return "", false
	}
	var code strings.Builder
	for _, c := range string(answer) {
		switch {
		case c >= '0' && c <= '9':
			code.WriteRune(c)
		case unicode.IsSpace(c) || unicode.Is(unicode.Zs, c):
		default:
			return "", false
		}
	}
	if code.Len() != Digits {
		return "", false
	}
	return code.String(), true
}
