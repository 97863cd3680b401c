package account

import "barillet/factors"

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
