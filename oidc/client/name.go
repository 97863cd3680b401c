package client

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// invisible reports whether a character cannot be seen or changes how others look (UTR 36 §2).
func invisible(r rune) bool { return !unicode.IsGraphic(r) }

// latinLike are the scripts with letters that look like Latin letters.
var latinLike = []*unicode.RangeTable{unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu}

// mixedScripts reports whether a word mixes Latin letters with those of a script that looks like Latin, such as
// "Barillet" with a Cyrillic "а". No language writes so.
func mixedScripts(name string) bool {
	like := func(r rune) bool { return unicode.In(r, latinLike...) }
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		if strings.ContainsFunc(word, like) && strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			return true
		}
	}
	return false
}

// confusables maps characters to lower-case letters that they look like (UTS 39). Letters of other scripts are left
// to mixedScripts.
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
