package input

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which texts are compared. Case, composition and width do not matter, nor do characters that
// cannot be seen and the kind of apostrophes, dashes and spaces. Accents do.
func Fold(s string) string {
	if printableASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(fold(decompose(s)))
}

// printableASCII reports whether Fold changes only the case of a text.
func printableASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' && (c < ' ' || i == 0 || i == len(s)-1 || s[i-1] == ' ') || c > '~' || c == '`' {
			return false
		}
	}
	return true
}

// Loose returns Fold without accents, and with letters such as "œ" and "ø" as they are typed without them. Marks that are
// vowels or change a letter, as in Devanagari or Japanese, stay.
func Loose(s string) string {
	if printableASCII(s) {
		return strings.ToLower(s)
	}
	var out strings.Builder
	for _, r := range fold(decompose(s)) {
		if plain, ok := plainLetters[r]; ok {
			out.WriteString(plain)
		} else if !accent(r) {
			out.WriteRune(r)
		}
	}
	return norm.NFC.String(out.String())
}

// accent reports whether a character is a mark that can be left out in writing.
func accent(r rune) bool {
	var b [4]byte
	const firstOptional = 10 // combining classes below are parts of letters (UAX 44 §5.7.4)
	return unicode.Is(unicode.Mn, r) && norm.NFD.Properties(b[:copy(b[:], string(r))]).CCC() >= firstOptional
}

// plainLetters maps letters that NFKD does not decompose.
var plainLetters = map[rune]string{'œ': "oe", 'æ': "ae", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ŧ': "t", 'ı': "i"}

// fold folds a decomposed text.
func fold(s string) string {
	var out strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			gap = out.Len() > 0
			continue
		case joiner(r), Unsafe(r), blank(r), unicode.Is(unicode.Variation_Selector, r):
			continue
		case unicode.Is(unicode.Pd, r), r == '\u2212', r == '\u2043':
			r = '-'
		}
		switch r {
		case '’', '‘', '‛', '`', 'ʼ', 'ʻ', 'ʹ', '′':
			r = '\''
		}
		if gap {
			out.WriteByte(' ')
			gap = false
		}
		switch r = unicode.ToLower(r); r {
		case 'ß':
			out.WriteString("ss")
		case 'ς':
			out.WriteRune('σ')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// decompose returns a text in NFKD. NFKD itself makes a space and an accent of "´", which is typed as an apostrophe.
func decompose(s string) string { return norm.NFKD.String(strings.ReplaceAll(s, "´", "'")) }

// Words returns the words of a text in the form of the search index: Loose, letters and digits only. An apostrophe does not
// end a word, but a search can start after it.
func Words(s string) (words []Word) {
	var word strings.Builder
	var inner []int
	end := func() {
		if word.Len() > 0 {
			words = append(words, Word{word.String(), inner})
		}
		word.Reset()
		inner = nil
	}
	for _, r := range Loose(s) {
		switch {
		case r == '\'':
			if n := word.Len(); n > 0 {
				inner = append(inner, n)
			}
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
			word.WriteRune(r)
		default:
			end()
		}
	}
	end()
	return words
}

// Word is a word in the form of the search index.
type Word struct {
	Text  string
	inner []int // offsets of the characters after an apostrophe
}

// Starts returns the text of the word from each place where a search can start: "darc" and "arc" for "d'Arc".
func (w Word) Starts() []string {
	out := []string{w.Text}
	for _, at := range w.inner {
		if at < len(w.Text) {
			out = append(out, w.Text[at:])
		}
	}
	return out
}

// lookalikes maps letters of other scripts, in lower case, to the Latin letters that they look like in either case (UTS 39).
var lookalikes = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'һ': 'h', 'н': 'h', 'і': 'i', 'ј': 'j', 'к': 'k', 'м': 'm', 'о': 'o',
	'р': 'p', 'ѕ': 's', 'т': 't', 'у': 'y', 'х': 'x', 'ԝ': 'w',
	'α': 'a', 'β': 'b', 'ε': 'e', 'ζ': 'z', 'η': 'h', 'ι': 'i', 'κ': 'k', 'μ': 'm', 'ν': 'n', 'ο': 'o', 'ρ': 'p', 'τ': 't',
	'υ': 'y', 'χ': 'x',
}

// Appearance returns a form that is equal for two names that look the same: Fold, with Latin letters for those of other
// scripts that look like them, also below an accent.
func Appearance(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if latin, ok := lookalikes[r]; ok {
			return latin
		}
		return r
	}, norm.NFD.String(Fold(s))))
}

// latinLike are the scripts with letters that look like Latin letters.
var latinLike = []*unicode.RangeTable{unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu}

// MixesScripts reports whether a word mixes Latin letters with those of a script that looks like Latin, such as "Barillet"
// with a Cyrillic "а". No language writes so.
func MixesScripts(s string) bool {
	like := func(r rune) bool { return unicode.In(r, latinLike...) }
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		if strings.ContainsFunc(word, like) && strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			return true
		}
	}
	return false
}
