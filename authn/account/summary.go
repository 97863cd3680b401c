package account

import (
	"time"

	"barillet/factors"
	"barillet/internal/notice"
	"barillet/store"
)

// Summary returns the summary of a user; NotFound if there is none.
func (r Reader) Summary(id UserID) (Summary, error) {
	st, err := r.s.summaries.Get(r.Raw, string(id))
	return st, missing(err, "summary", string(id))
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

// NotifyDeviceSignIn mails the person, in the change of tx, that a device of an application may now act for them.
func (s *Service) NotifyDeviceSignIn(tx store.Tx, op *Operation, id UserID, app string) error {
	w := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op}
	u, err := w.User(id)
	if err != nil {
		return err
	}
	return w.Notify(&u, notice.DeviceSignedIn{Context: w.About(&u), App: app}, time.Time{})
}
