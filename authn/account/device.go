package account

import (
	"slices"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
)

// AuditDevice appends an audit event about an operation of the user on one of their devices.
func (tx *Tx) AuditDevice(u *User, action string, d factors.Device) error {
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}},
		Detail:  map[string]string{"kind": string(d.Kind)}})
}

// DeviceName returns the name of a device as input.Name does. It returns Invalid unless the name has 1 to 64 characters that
// can be seen. If optional is true, the name may be empty.
func DeviceName(typed string, optional bool) (string, error) {
	name, reason := input.Name(typed, MaxName)
	switch {
	case reason != "":
		return "", errcode.InvalidField("name", reason)
	case name == "" && !optional:
		return "", errcode.InvalidField("name", "empty")
	}
	return name, nil
}

// UsableDevices returns the devices that the user can use now, recovery codes included.
func (s *Service) UsableDevices(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range u.Devices {
		if s.CanUse(u, d) {
			out = append(out, d)
		}
	}
	return out
}

// CanUse reports whether the user can use the device now. A device whose secret an administrator saw cannot be used with a
// password of the same provenance (protocol rules 8 and 22). The device keeps that provenance as long as its secret:
// use by the user does not change it.
func (s *Service) CanUse(u *User, d factors.Device) bool {
	return d.Usable() && s.Factor(d.Kind) != nil && (!s.IsBackup(d) || s.Status(d).Remaining > 0) && (d.SecretSeenBy == "" || d.SecretSeenBy != u.Password.Provenance)
}

// CountPrimary returns the number of usable devices that count for the protection of the last one (protocol rule 6).
func (s *Service) CountPrimary(u *User) int {
	n := 0
	for _, d := range u.Devices {
		if s.Method(d.Kind).Primary && s.CanUse(u, d) {
			n++
		}
	}
	return n
}

// HasFrozen reports whether the user has a frozen primary device. Beside it, no device of an administrator counts before the user
// confirmed it: a freeze and an enrolment by one administrator would otherwise be a reset without its rules (protocol rule 12).
func (s *Service) HasFrozen(u *User) bool {
	return slices.ContainsFunc(u.Devices, func(d factors.Device) bool { return d.IsFrozen() && s.Method(d.Kind).Primary })
}

// CanReplacePassword reports whether the user can replace a forgotten password by an emailed link. It requires a usable
// primary device whose secret no administrator saw.
func (s *Service) CanReplacePassword(u *User) bool {
	return slices.ContainsFunc(s.UsableDevices(u), func(d factors.Device) bool { return d.SecretSeenBy == "" && s.Method(d.Kind).Primary })
}

// HasPhishingResistant reports whether the user has a usable phishing-resistant device.
func (s *Service) HasPhishingResistant(u *User) bool {
	for _, d := range s.UsableDevices(u) {
		if s.Method(d.Kind).Input == factors.InputAssertion {
			return true
		}
	}
	return false
}

// maxCodeDevices is the maximum number of devices with typed codes, over all kinds: a guess may hit any of them
// (protocol rule 17).
const maxCodeDevices = 5

// CanAdd reports whether a user with these devices may enrol one more of the kind.
func (s *Service) CanAdd(kind factors.Kind, devices []factors.Device) bool {
	m, same, codes := s.Method(kind), 0, 0
	for _, d := range devices {
		if d.Kind == kind {
			same++
		}
		if s.Method(d.Kind).Input == factors.InputCode {
			codes++
		}
	}
	return same < m.Max && (m.Input != factors.InputCode || codes < maxCodeDevices)
}
