package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/internal/errcode"

	"golang.org/x/text/unicode/norm"
)

// minWord is the number of letters from which a word about the person is looked for inside a password.
const minWord = 4

// Validate judges a password that somebody chooses. about holds what is known of the person: login, names,
// addresses. There are no rules of composition (NIST SP 800-63B-4 section 3.1.1.2). The error is
// Invalid("password", reason), with the first of these reasons that holds:
//
//   - too_long: more than 256 code points in NFC, which are at most 1 KiB
//   - control: control characters, or no text at all
//   - too_short: fewer code points than Policy.Min
//   - site, about_you: little is left of it without the words of the house, or of the person
//   - common: on the blocklist, alone or with a few digits and signs around it; or a repetition, a count, a
//     row of keys
func (p *Hasher) Validate(password string, about []string) error {
	composed, err := normalize(password)
	if err != nil {
		return err
	}
	text := string(composed)
	folded := fold(text)
	reason := ""
	switch {
	case !utf8.ValidString(password) || strings.ContainsFunc(text, unicode.IsControl):
		reason = "control"
	case utf8.RuneCountInString(text) < p.Policy.Min:
		reason = "too_short"
	case madeOf(folded, p.siteWords, p.Policy.Min):
		reason = "site"
	case madeOf(folded, wordsOf(about), p.Policy.Min):
		reason = "about_you"
	case isCommon(folded) || isRow(strings.ToLower(text)) || isPeriodic(folded):
		reason = "common"
	}
	if reason == "" {
		return nil
	}
	return errcode.InvalidField("password", reason)
}

// fold makes texts alike that people take for the same word: case, accents and compatibility forms go.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// wordsOf gives the folded words of the texts, and each text of several words as one, the longest first.
func wordsOf(texts []string) []string {
	var words []string
	for _, text := range texts {
		if len(text) > maxTyped {
			continue
		}
		parts := strings.FieldsFunc(fold(text), notWord)
		words = append(words, parts...)
		if len(parts) > 1 {
			words = append(words, strings.Join(parts, ""))
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(words)
}

// madeOf tells whether fewer than least letters and digits are left of a password without the words, or
// whether it is one of the words, however short, in digits and signs. Signs are not looked at, so that
// "du-pont" is "dupont".
func madeOf(folded string, words []string, least int) bool {
	core, _ := coreOf(folded)
	plain := strings.Join(strings.FieldsFunc(folded, notWord), "")
	left := plain
	for _, word := range words {
		if core == word && core != "" {
			return true
		}
		if utf8.RuneCountInString(word) >= minWord {
			left = strings.ReplaceAll(left, word, "")
		}
	}
	return left != plain && utf8.RuneCountInString(left) < least
}

// coreOf is the password without the digits and signs around it, and how many those are.
func coreOf(folded string) (core string, around int) {
	core = strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	return core, utf8.RuneCountInString(folded) - utf8.RuneCountInString(core)
}

// keyRows are the rows along which fingers run: letters of QWERTY, QWERTZ and AZERTY, digits with and without
// the shift of AZERTY, and the columns of QWERTY and AZERTY.
var keyRows = [...]string{
	"01234567890", "abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"&é\"'(-è_çà)", "!@#$%^&*()",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1aqw2zsx3edc4rfv5tgb6yhn7uj", "aqwzsxedcrfvtgbyhn",
}

// isRow tells whether a password is made of few runs: the same character again, a count, or neighbouring keys,
// four characters and more to a run on average. "azerty12" is two runs in eight.
func isRow(lower string) bool {
	chars := []rune(lower)
	runs, i := 0, 0
	for i < len(chars) {
		i += runLength(chars[i:])
		runs++
	}
	return len(chars) >= 4*runs
}

// runLength is the length of the longest run that chars begins with, at least 1.
func runLength(chars []rune) int {
	same := 1
	for same < len(chars) && chars[same] == chars[0] {
		same++
	}
	longest := same
	for _, row := range keyRows {
		longest = max(longest, rowLength(chars, []rune(row), 1), rowLength(chars, []rune(row), -1))
	}
	return longest
}

// rowLength counts how far chars follow a row, forward or back.
func rowLength(chars, row []rune, step int) int {
	longest := 0
	for at := range row {
		n := 0
		for n < len(chars) && at+n*step >= 0 && at+n*step < len(row) && chars[n] == row[at+n*step] {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}

// isPeriodic tells whether a password is up to four characters again and again.
func isPeriodic(folded string) bool {
	chars := []rune(folded)
	for period := 1; period <= 4 && 2*period <= len(chars); period++ {
		if slices.Equal(chars[period:], chars[:len(chars)-period]) {
			return true
		}
	}
	return false
}
