package index

import "strconv"

// State is the place of a user in the index of states. The zero value has no entry.
type State struct {
	Status  string
	Devices int    // usable primary devices; MaxDevices means as many or more
	Home    string // the first of the groups of the user; "": none
}

// MaxDevices is the largest number of devices that the index of states knows.
const MaxDevices = 2

// noHome is the Home of a user without a group in an entry. It sorts before every group.
const noHome = "-"

// Key returns the entry of a user in this state: "<status>/<devices>/<home>/<user>".
func (s State) Key(id string) string {
	if s.Status == "" {
		return ""
	}
	if s.Home == "" {
		s.Home = noHome
	}
	return StatePrefix(s.Status, s.Devices) + s.Home + "/" + id
}

// StatePrefix returns the start of the entries of a status and a number of devices.
func StatePrefix(status string, devices int) string {
	return status + "/" + strconv.Itoa(devices) + "/"
}
