package reply

import (
	"cmp"
	"strings"
)

// Message returns a sentence without a full stop for the reason of a fault in a field, or the reason itself if it is
// unknown. A program uses the reason; a message can change.
func Message(field, reason string) string {
	return cmp.Or(messages[strings.TrimPrefix(field, "profile.")+" "+reason], remedies[reason], messages[reason], reason)
}

// messages are the words for a reason, or for a reason in one field.
var messages = map[string]string{
	"address":             "not an email address",
	"approval":            "needs the approval of a second administrator: create the user without it, and assign it after",
	"breached":            "appeared in a data breach: choose another",
	"common":              "too easy to guess",
	"control":             "contains a control character, or one that changes the direction of text",
	"count":               "too few or too many entries",
	"duplicate":           "same as in an earlier entry",
	"empty":               "empty",
	"forbidden":           "the service must not call this address: it is private or plain http, and not in outbound.allow",
	"format":              "not in the required format",
	"invisible":           "contains a character that cannot be seen",
	"missing":             "missing",
	"other":               "not the value of the existing resource",
	"phone":               "not a telephone number in international form, such as +33 6 12 34 56 78",
	"punycode":            "the host must be in punycode, such as xn--bcher-kva.example",
	"role":                "not allowed for this role",
	"same":                "same as the current value",
	"status":              "not allowed in this status",
	"name taken":          "another group has this name, or one that looks the same",
	"taken":               "in use by another user",
	"too_long":            "too long",
	"too_many":            "too many entries",
	"too_short":           "too short",
	"unknown":             "unknown value",
	"unsupported":         "not supported",
	"wrong":               "wrong",
	"login address":       "not a login",
	"firstName too_long":  "longer than 64 characters",
	"lastName too_long":   "longer than 64 characters",
	"groupIds unknown":    "no such group",
	"locale unknown":      "no such language",
	"owner unknown":       "no such user",
	"assignee unknown":    "no such administrator",
	"otpauth taken":       "another user has this key",
	"otpauth no_otpauth":  "not an otpauth URI",
	"otpauth unsupported": "neither TOTP nor HOTP",
	"otpauth counter":     "the counter is missing, invalid or too large",
	"otpauth algorithm":   "algorithm is not SHA1",
	"otpauth digits":      "the number of digits is not 6",
	"otpauth period":      "the period is not 30 seconds",
	"otpauth no_secret":   "no secret",
	"otpauth base32":      "the secret is not base32",
	"otpauth short":       "the secret is shorter than 16 bytes",
	"otpauth long":        "the secret is longer than 64 bytes",
	"otpauth weak":        "the secret repeats one byte",
	"otpauth twice":       "a parameter occurs twice",
}
