package totp

import (
	"time"

	"barillet/factors"
	"barillet/factors/oath"
)

// Import implements factors.Importer. The algorithm, the digits and the period must be those of this service, because
// the phone continues to show the same codes. Steps up to the present one are consumed: the other service may have
// accepted them.
func (TOTP) Import(now time.Time, subject factors.Subject, uri string) (factors.Device, error) {
	in, err := oath.ReadURI("totp", uri, subject.Login)
	if err != nil {
		return factors.Device{}, err
	}
	if p := in.Parameters["period"]; p != "" && p != "30" {
		return factors.Device{}, factors.ImportError("period")
	}
	r := record{Secret: in.Secret, Account: oath.Account(subject, nil), Last: stepOf(now)}
	d := factors.Device{Kind: Kind, Name: in.Name, Added: now, Unique: in.Secret.Digest()}
	return r.write(d)
}
