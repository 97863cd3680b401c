package client

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// invisible tells whether a character cannot be seen, or changes how others are: a name that a person is asked to trust
// has none (Unicode Technical Report 36, section 2).
func invisible(r rune) bool { return !unicode.IsGraphic(r) }

// latinLike are the scripts with letters that look like Latin ones.
var latinLike = []*unicode.RangeTable{unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu}

// mixedScripts tells whether a word of a name has letters of Latin and of a script that looks like it, as no language writes:
// "Barillet" with a Cyrillic "а" is read as ours.
func mixedScripts(name string) bool {
	like := func(r rune) bool { return unicode.In(r, latinLike...) }
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		if strings.ContainsFunc(word, like) && strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			return true
		}
	}
	return false
}

// confusables are letters that are read for others, after case was taken away. What other scripts have is for mixed.
var confusables = map[rune]rune{'0': 'o', '1': 'l', 'i': 'l', 'ı': 'l', '|': 'l', '3': 'e', '5': 's', '8': 'b'}

// skeleton is a name as it is read at a glance: without case, accents, blanks and signs, in plain letters.
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
