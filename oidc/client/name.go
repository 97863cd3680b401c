package client

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// confusables maps characters to lower-case letters that they look like (UTS 39). Letters of other scripts are left
// to input.MixesScripts.
var confusables = map[rune]rune{'0': 'o', '1': 'l', 'i': 'l', 'ı': 'l', '|': 'l', '3': 'e', '5': 's', '8': 'b'}

// skeleton returns a name as it looks at a glance: without case, accents, spaces and signs (UTS 39).
func skeleton(name string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if like, ok := confusables[r]; ok {
			return like
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, norm.NFKD.String(name))
}
