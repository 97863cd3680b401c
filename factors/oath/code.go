package oath

import (
	"strings"
	"unicode/utf8"

	"barillet/internal/input"
)

// maxAnswer is the longest answer that is read, in bytes: six digits and many blanks.
const maxAnswer = 64

// ParseCode reads six digits of any script. It drops blanks of any kind and characters that cannot be seen: apps show
// "123 456" with a plain, a no-break or a thin one, and phones paste them. It accepts no sign.
func ParseCode(answer []byte) (string, bool) {
	if len(answer) > maxAnswer || !utf8.Valid(answer) {
		return "", false
	}
	code := input.Code(string(answer))
	if len(code) != Digits || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return code, true
}
