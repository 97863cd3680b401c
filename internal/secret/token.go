package secret

import "strings"

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// IsToken reports whether text has the form of the values of New and Dated: 43 characters of base64url.
func IsToken(text string) bool {
	return len(text) == 43 && strings.Trim(text, base64url) == ""
}
