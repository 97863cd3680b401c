package account

import (
	"slices"
	"strings"
	"time"
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

// UsableDevices are the person's devices that may be asked for, spare ones (recovery codes) included.
func (s *Service) UsableDevices(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range u.Devices {
		if s.CanUse(u, d) {
			out = append(out, d)
		}
	}
	return out
}

// CanUse tells whether the person may be asked for the device. One whose secret an operator was shown is worth
// nothing beside a password of the same hand (PROTOCOL 8, 22): here, where every path meets. The hand stays with the
// device for as long as its secret lives, since what was seen is not forgotten when the person uses it.
func (s *Service) CanUse(u *User, d factors.Device) bool {
	return d.Usable() && s.Factor(d.Kind) != nil && (!s.IsBackup(d) || s.Status(d).Remaining > 0) && (d.SecretSeenBy == "" || d.SecretSeenBy != u.Password.Provenance)
}

// CountPrimary are the usable devices that count when the last one is protected (PROTOCOL 6).
func (s *Service) CountPrimary(u *User) int {
	n := 0
	for _, d := range s.UsableDevices(u) {
		if s.Method(d.Kind).Primary {
			n++
		}
	}
	return n
}

// CanReplacePassword tells whether a forgotten password can be replaced by a mailed link: by a device whose secret is the
// person's alone (see verifiable).
func (s *Service) CanReplacePassword(u *User) bool {
	return slices.ContainsFunc(s.UsableDevices(u), func(d factors.Device) bool { return d.SecretSeenBy == "" && s.Method(d.Kind).Primary })
}

// HasPhishingResistant tells whether the person has a usable device that withstands phishing.
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

// DeviceSummary is what stands between a person and being locked out.
type DeviceSummary struct {
	Devices       []factors.Device // usable ones that count as a device (PROTOCOL 6), without what only proofs need
	Copies        int              // further phones that have the QR code of one of them, confirmed
	RecoveryCodes int              // recovery codes that are left
	TicketUntil   time.Time        // until when a ticket lets them enrol; zero: none
}

// DeviceSummary tells what the person has at this time.
func (s *Service) DeviceSummary(u *User, now time.Time) DeviceSummary {
	var out DeviceSummary
	for _, d := range s.UsableDevices(u) {
		out.RecoveryCodes += s.Status(d).Remaining
		if !s.Method(d.Kind).Primary {
			continue
		}
		for _, c := range d.Copies {
			if !c.Confirmed.IsZero() && !c.ScanAgain {
				out.Copies++
			}
		}
		d.Data = nil
		out.Devices = append(out.Devices, d)
	}
	for _, t := range u.Tickets {
		if now.Before(t.Expires) && t.Expires.After(out.TicketUntil) {
			out.TicketUntil = t.Expires
		}
	}
	return out
}
