package totp

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"time"

	"github.com/skip2/go-qrcode"

	"barillet/factors"
)

// readPending decodes an enrolment that was begun, and the record that it will become.
func readPending(p factors.Pending) (enrolment, record, error) {
	var e enrolment
	if err := json.Unmarshal(p, &e); err != nil {
		return enrolment{}, record{}, fmt.Errorf("reading a pending key: %w", err)
	}
	r := record{Secret: e.Secret, Account: e.Account}
	if err := r.check(); err != nil {
		return enrolment{}, record{}, fmt.Errorf("reading a pending key: %w", err)
	}
	return e, r, nil
}

// ManualEntry implements factors.AdminEnroller.
func (TOTP) ManualEntry(p factors.Pending) (factors.ManualEntry, error) {
	e, _, err := readPending(p)
	if err != nil {
		return factors.ManualEntry{}, err
	}
	return factors.ManualEntry{Secret: typed(e.Secret), Bytes: len(e.Secret), Period: period * time.Second}, nil
}

// modulePixels is how large one module of a picture is: 212 pixels each way for an ordinary address.
const modulePixels = 4

// QRCodePNG implements factors.AdminEnroller: the same key and label as on a page, with a quiet zone.
func (TOTP) QRCodePNG(who factors.Subject, p factors.Pending) ([]byte, error) {
	e, _, err := readPending(p)
	if err != nil {
		return nil, err
	}
	code, err := qrcode.New(uri(who.Issuer, e.Account, typed(e.Secret)), qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("drawing the QR code of a pending key: %w", err)
	}
	picture, err := code.PNG(-modulePixels) // below zero it is the pixels of a module, not of the whole
	if err != nil {
		return nil, fmt.Errorf("encoding the QR code of a pending key: %w", err)
	}
	return picture, nil
}

// typed is a key as apps take it.
func typed(s secret) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s)
}
