package admin

import "unicode/utf8"

// Cut returns the first maxLength characters of text, with an ellipsis if it is longer.
func Cut(text string, maxLength int) string {
	if utf8.RuneCountInString(text) <= maxLength {
		return text
	}
	return string([]rune(text)[:maxLength-1]) + "…"
}
