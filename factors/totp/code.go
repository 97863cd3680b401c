package totp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAnswer is how many bytes of an answer are worth reading: six digits and generous blanks.
const maxAnswer = 64

// parse reads six ASCII digits. Blanks of any sort are dropped, since apps show "123 456" with a plain, a
// no-break or a thin one, and phones paste them. Nothing else is forgiven: other scripts' digits or a sign would
// make two spellings of one code.
func parse(answer []byte) (string, bool) {
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
	if code.Len() != digits {
		return "", false
	}
	return code.String(), true
}
