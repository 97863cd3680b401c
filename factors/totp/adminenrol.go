package totp

import (
	"encoding/json"
	"fmt"

	"barillet/factors"
	"barillet/factors/oath"
)

// readPending decodes an enrolment that was begun, and the record that it will become.
func readPending(p factors.Pending) (enrolment, record, error) {
	var e enrolment
	if err := json.Unmarshal(p, &e); err != nil {
		return enrolment{}, record{}, fmt.Errorf("reading a pending secret: %w", err)
	}
	r := record{Secret: e.Secret, Account: e.Account}
	if err := r.check(); err != nil {
		return enrolment{}, record{}, fmt.Errorf("reading a pending secret: %w", err)
	}
	return e, r, nil
}

// ManualEntry implements factors.AdminEnroller.
func (TOTP) ManualEntry(p factors.Pending) (factors.ManualEntry, error) {
	e, _, err := readPending(p)
	if err != nil {
		return factors.ManualEntry{}, err
	}
	return factors.ManualEntry{Secret: e.Secret.Base32(), Bytes: len(e.Secret)}, nil
}

// QRCodePNG implements factors.AdminEnroller. It shows the same secret and label as the page.
func (TOTP) QRCodePNG(subject factors.Subject, p factors.Pending) ([]byte, error) {
	e, _, err := readPending(p)
	if err != nil {
		return nil, err
	}
	return oath.PNG(oath.URI("totp", subject.Issuer, e.Account, e.Secret, ""))
}
