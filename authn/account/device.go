package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// AuditDevice writes down what the person did to one of their devices.
func (tx *Tx) AuditDevice(u *User, action string, d factors.Device) error {
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}},
		Detail:  map[string]string{"kind": string(d.Kind)}})
}

// DeviceName judges what a person calls a device: 1 to 64 characters without control characters; "" only
// where it may be left open.
func DeviceName(typed string, open bool) (string, error) {
	name := strings.TrimSpace(typed)
	switch {
	case name == "" && open:
		return "", nil
	case name == "":
		return "", errcode.InvalidField("name", "empty")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "", errcode.InvalidField("name", "control")
	case utf8.RuneCountInString(name) > MaxName:
		return "", errcode.InvalidField("name", "too_long")
	}
	return name, nil
}
