// Package input normalizes text that a user, a file or a program supplies, so that text that looks the same is the same. It
// knows characters (Unicode), not the fields that contain them.
package input

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The reasons of Name.
const (
	ReasonControl   = "control"   // a control character, or one that changes the direction of text
	ReasonInvisible = "invisible" // a character that cannot be seen, or nothing else
	ReasonTooLong   = "too_long"
)

// Trim returns s without surrounding white space, and without surrounding characters that cannot be seen. White space
// includes the no-break spaces that office programs insert.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || zeroWidth(r) || joiner(r) })
}

// Name returns a name in NFC and trimmed, or the reason why it is refused. A name may be empty. It has at most limit
// characters, on one line, that can all be seen.
//
// The joiners U+200C and U+200D stay where they change what is seen: between characters of a script that joins letters, and
// in emoji. They are refused elsewhere (RFC 5892 appendix A).
func Name(typed string, limit int) (name, reason string) {
	if len(typed) > 16*(limit+1) { // too long in every form, so it is not normalized
		return "", ReasonTooLong
	}
	if !utf8.ValidString(typed) {
		return "", ReasonControl
	}
	name = norm.NFC.String(Trim(typed))
	if name == "" && strings.TrimSpace(typed) != "" {
		return "", ReasonInvisible
	}
	previous, visible := rune(-1), name == ""
	for _, r := range name {
		switch {
		case joiner(r) && !joins(previous), zeroWidth(r), blank(r):
			return "", ReasonInvisible
		case !joiner(r) && Unsafe(r):
			return "", ReasonControl
		}
		visible = visible || unicode.IsGraphic(r) && !unicode.IsMark(r) && !unicode.IsSpace(r)
		previous = r
	}
	switch {
	case !visible:
		return "", ReasonInvisible
	case utf8.RuneCountInString(name) > limit:
		return "", ReasonTooLong
	}
	return name, ""
}

// Text returns valid UTF-8 in NFC without control characters, invisible characters and characters that change the writing
// direction, and trimmed. It keeps line breaks if lines is set; otherwise it replaces them by spaces. ok is false if the
// text is longer than limit characters.
func Text(typed string, limit int, lines bool) (text string, ok bool) {
	if len(typed) > 8*limit { // too long in every encoding, so it is not processed
		return "", false
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(typed, "\uFFFD"), "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines, joiner(r):
			return r
		case r == '\n', r == '\r', r == '\t', unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case Unsafe(r):
			return -1
		}
		return r
	}, text)
	text = norm.NFC.String(Trim(text))
	return text, utf8.RuneCountInString(text) <= limit
}

// Code returns a typed code without white space and without characters that cannot be seen. Digits of any script and letters of
// double width become those of ASCII, and dashes of any kind become "-": phones and mail programs replace them.
func Code(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), blank(r):
			return -1
		case unicode.Is(unicode.Pd, r), r == '\u2212', r == '\u2043':
			return '-'
		case r >= '０' && r <= 'ｚ':
			return r - '０' + '0'
		case unicode.Is(unicode.Nd, r):
			return '0' + digit(r)
		}
		return r
	}, typed)
}

// digit returns the value of a decimal digit. Unicode has the ten digits of a script in a row, in order, from a code point
// that is the first of a run of Nd.
func digit(r rune) rune {
	n := rune(0)
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			n = r - rune(t.Lo)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			n = r - rune(t.Lo)
		}
	}
	return n % 10
}

// Address returns a typed login or email address without surrounding white space and without characters that cannot be seen,
// in NFC. The case stays, and so does a text with a character of which NFC makes one of ASCII, such as U+212A, the Kelvin
// sign: it would become another address.
func Address(typed string) string {
	s := Trim(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(typed, "\uFFFD")))
	if strings.ContainsFunc(s, func(r rune) bool { return r > '~' && isASCII(norm.NFC.String(string(r))) }) {
		return s
	}
	return norm.NFC.String(s)
}

// Plain returns s for a terminal: without characters that control it, cannot be seen or change the direction of text.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if Unsafe(r) && !joiner(r) {
			return -1
		}
		return r
	}, s)
}

// WithoutOverrides returns s without the characters that change the direction of the text after them (UTR 36 §2.5). A
// spreadsheet or a page would show the text of other cells in another order.
func WithoutOverrides(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}

// IsPlain reports whether a text has only the characters of ASCII that are not Unsafe, as nearly every text has.
func IsPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Unsafe reports whether a character controls a terminal, breaks a line, changes the direction of text or is only a format.
func Unsafe(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// zeroWidth reports whether a character has no width and no effect on its neighbours.
func zeroWidth(r rune) bool { return r == '\u200b' || r == '\u2060' || r == '\ufeff' || r == '\u00ad' }

// blank reports whether a character counts as a letter or a symbol and shows nothing.
func blank(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return false
}

func joiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// joins reports whether a joiner after the character can change what is seen.
func joins(r rune) bool {
	return r == '\ufe0f' || unicode.In(r, unicode.So, unicode.Sk) ||
		unicode.In(r, unicode.L, unicode.M) && !unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}
