package secret

import "strings"

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// IsToken reports whether text has the form of 256 bits in base64url, as New returns them.
func IsToken(text string) bool {
	return len(text) == 43 && strings.Trim(text, base64url) == ""
}
