package input

import "strings"

// The limits of a telephone number (ITU-T E.164 §6): digits after the "+", and characters as typed.
const (
	minPhone, maxPhone = 8, 15
	maxPhoneTyped      = 64
)

// Phone returns a telephone number in the international form of ITU-T E.164, "+" and 8 to 15 digits, or false. It leaves out spaces, dots,
// hyphens and parentheses. The text must begin with "+", because a national number is another one in another country, and it must
// not contain "(0": of "+33 (0)6…" the zero is not dialled, of "+39 (0)6…" it is. Empty text is an empty number.
func Phone(typed string) (number string, ok bool) {
	if typed = Trim(typed); typed == "" {
		return "", true
	}
	if len(typed) > maxPhoneTyped {
		return "", false
	}
	compact := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-\u00a0\u202f\u2010\u2011", r) {
			return -1
		}
		return r
	}, typed)
	digits, international := strings.CutPrefix(strings.NewReplacer("(", "", ")", "").Replace(compact), "+")
	switch {
	case !international, strings.Contains(compact, "(0"), len(digits) < minPhone, len(digits) > maxPhone, digits[0] == '0',
		strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }):
		return "", false
	}
	return "+" + digits, true
}

// MaskPhone returns the end of a number, for a log or an email: "…5678".
func MaskPhone(number string) string {
	if len(number) <= 4 {
		return number
	}
	return "…" + number[len(number)-4:]
}
