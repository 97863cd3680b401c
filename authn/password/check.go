package password

import (
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/internal/errcode"

	"golang.org/x/text/unicode/norm"
)

// minWord is the minimum length of a word about the user that Validate searches inside a password.
const minWord = 4

// Validate checks a new password. about contains the login, names and addresses of the user. There are no rules of composition
// (NIST SP 800-63B-4 §3.1.1.2). The error is errcode.InvalidField("password", reason), with the first of these reasons that
// applies:
//
//   - too_long: more than 256 code points in NFC, which are at most 1 KiB
//   - control: control characters, or invalid UTF-8
//   - too_short: fewer code points than Policy.Min
//   - site, about_you: it consists mainly of words of Policy.Context, or of about
//   - common: on the blocklist, also with a few digits and signs around it; or a repetition, a count or a row of keys
//   - breached: Breached is true for it, in NFC or as typed
func (h *Hasher) Validate(password string, about []string) error {
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
	case utf8.RuneCountInString(text) < h.Policy.Min:
		reason = "too_short"
	case consistsOf(folded, h.siteWords, h.Policy.Min):
		reason = "site"
	case consistsOf(folded, wordsOf(about), h.Policy.Min):
		reason = "about_you"
	case isCommon(folded) || isRow(strings.ToLower(text)) || isPeriodic(folded):
		reason = "common"
	case h.Breached != nil && (h.Breached(text) || text != password && h.Breached(password)):
		reason = "breached"
	}
	if reason == "" {
		return nil
	}
	return errcode.InvalidField("password", reason)
}

// fold removes case, accents and compatibility forms.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// notWord reports whether r separates words.
func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// wordsOf returns the folded words of the texts, and each text of several words as one word, longest first.
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
	sort.Slice(words, func(i, j int) bool {
		if len(words[i]) != len(words[j]) {
			return len(words[i]) > len(words[j])
		}
		return words[i] < words[j]
	})
	return slices.Compact(words)
}

// consistsOf reports whether a password without the words has fewer than minLeft letters and digits. It is also true for one of the
// words with digits and signs around it. It ignores signs, so that "du-pont" is "dupont".
func consistsOf(folded string, words []string, minLeft int) bool {
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
	return left != plain && utf8.RuneCountInString(left) < minLeft
}

// coreOf returns the password without the digits and signs around it, and their number.
func coreOf(folded string) (core string, around int) {
	core = strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	return core, utf8.RuneCountInString(folded) - utf8.RuneCountInString(core)
}

// keyRows lists sequences of neighbouring keys: letters of QWERTY, QWERTZ and AZERTY, digits with and without the shift of AZERTY,
// and columns of QWERTY and AZERTY.
var keyRows = [...]string{
	"01234567890", "abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"&é\"'(-è_çà)", "!@#$%^&*()",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1aqw2zsx3edc4rfv5tgb6yhn7uj", "aqwzsxedcrfvtgbyhn",
}

// isRow reports whether a password consists of runs of at least four characters on average. A run repeats a character, counts, or
// follows neighbouring keys. "azerty12" has two runs in eight characters.
func isRow(lower string) bool {
	chars := []rune(lower)
	runs, i := 0, 0
	for i < len(chars) {
		i += runLength(chars[i:])
		runs++
	}
	return len(chars) >= 4*runs
}

// runLength returns the length of the longest run at the start of chars, at least 1.
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

// rowLength returns how many of chars follow a row. step is 1 for forward, -1 for backward.
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

// isPeriodic reports whether a password repeats up to four characters.
func isPeriodic(folded string) bool {
	chars := []rune(folded)
	for period := 1; period <= 4 && 2*period <= len(chars); period++ {
		if slices.Equal(chars[period:], chars[:len(chars)-period]) {
			return true
		}
	}
	return false
}
