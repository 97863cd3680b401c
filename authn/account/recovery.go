package account

import (
	"slices"
	"time"

	"barillet/factors"
)

// RecoveryOverlap is how long the older of two lists of recovery codes is accepted (protocol rule 6).
const RecoveryOverlap = 24 * time.Hour

// RecoveryLists returns the lists of recovery codes that are not frozen, the oldest first. A user has at most two.
func (s *Service) RecoveryLists(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range u.Devices {
		if s.IsBackup(d) && !d.IsFrozen() {
			out = append(out, d)
		}
	}
	return out
}

// AddRecoveryList adds a list of recovery codes that the user was shown. It keeps the oldest list that has codes left, and
// removes one that was shown after it.
func (s *Service) AddRecoveryList(u *User, d factors.Device) {
	kept := slices.IndexFunc(u.Devices, func(x factors.Device) bool { return s.IsBackup(x) && s.CanUse(u, x) })
	var out []factors.Device
	for i, x := range u.Devices {
		if i == kept || !s.IsBackup(x) {
			out = append(out, x)
		}
	}
	u.Devices = append(out, d)
}

// EndOlderRecoveryLists removes the lists that are older than the list with this id, and returns them. It returns nil if
// this list is not the newest.
func (s *Service) EndOlderRecoveryLists(u *User, id factors.DeviceID) []factors.Device {
	lists := s.RecoveryLists(u)
	if len(lists) < 2 || lists[len(lists)-1].ID != id {
		return nil
	}
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(d factors.Device) bool { return s.IsBackup(d) && d.ID != id })
	return lists[:len(lists)-1]
}

// RecoveryUntil returns the time until which the older of two lists is accepted. It returns zero for fewer lists.
func (s *Service) RecoveryUntil(u *User) time.Time {
	lists := s.RecoveryLists(u)
	if len(lists) < 2 {
		return time.Time{}
	}
	return lists[len(lists)-1].Added.Add(RecoveryOverlap)
}

// endRecoveryOverlap removes the older lists of a user that was read from the store, if their time has passed.
func (s *Service) endRecoveryOverlap(u *User) {
	lists := s.RecoveryLists(u)
	if len(lists) < 2 || s.Now().Before(s.RecoveryUntil(u)) {
		return
	}
	s.EndOlderRecoveryLists(u, lists[len(lists)-1].ID)
}
