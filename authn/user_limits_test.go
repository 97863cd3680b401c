package authn_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/store"
)

// A user at every limit fits into one record, and the reset of that user into one Update.
func TestResetDevices_LargestUserFitsOneUpdate(t *testing.T) {
	env, then := newTestEnv(t), time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)
	env.From.Agent = strings.Repeat("<", 300)
	u, p, session := env.Member(amelie, func(u *account.User) {
		u.SecondEmail, u.FirstName, u.LastName = "second@garage.example", strings.Repeat("🔧", 64), strings.Repeat("🔧", 64)
		u.Profile = json.RawMessage(`{"note":"` + strings.Repeat("x", 16<<10-11) + `"}`)
	})
	env.stepUp(session, p)
	env.enrolKey(enrol.Flow{Session: session}, u)
	env.recoveryCodes(session)
	env.showRecoveryCodes(session)
	env.Change(u.ID, func(u *account.User) {
		phone, key := u.Devices[0], u.Devices[1]
		u.Devices = u.Devices[2:]
		for i := range 15 {
			d := key
			if i < 5 {
				d = phone
				d.SecretSeenBy, d.EnrolledBy = string(u.ID), strings.Repeat("🔧", 64)
				for j := range 5 {
					d.Copies = append(slices.Clip(d.Copies), factors.Copy{ID: fmt.Sprintf("%026d", j), Name: strings.Repeat("🔧", 64), Shown: then, Confirmed: then})
				}
			} else {
				d.Unique = fmt.Sprintf("unique %d", i)
			}
			d.ID, d.Name = factors.DeviceID(fmt.Sprintf("%026d", i)), strings.Repeat("🔧", 64)
			u.Devices = append(u.Devices, d)
		}
		u.AdminEnrolment = &account.AdminEnrolment{ID: phone.ID, Kind: phone.Kind, App: "GOOGLE", Name: strings.Repeat("🔧", 64), By: "token:0123456789abcdef0123", Provenance: string(u.ID),
			ByName: strings.Repeat("🔧", 64), Epoch: u.Epoch, Pending: factors.Pending(strings.Repeat("x", 400)), At: then, Expires: then}
		u.AdminVerification = &factors.Ceremony{Pending: map[factors.Kind]factors.Pending{"totp": factors.Pending(strings.Repeat("x", 100))}, At: then, Expires: then}
		ref, browser, recent := u.Sessions[0], u.Browsers[0], u.Activity[0]
		u.Sessions, u.Browsers, u.Activity = nil, nil, nil
		for i := range 32 {
			ref.Hash, browser.Hash = fmt.Sprintf("%064d", i), fmt.Sprintf("%064d", i)
			u.Sessions, u.Browsers = append(u.Sessions, ref), append(u.Browsers, browser)
		}
		for range 20 {
			recent.Address, recent.Detail = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", strings.Repeat("🔧", 64)
			u.Activity = append(u.Activity, recent)
		}
	})
	raw, err := store.Encode(env.User(string(u.ID)))
	if err != nil || len(raw) > store.MaxValue-512 {
		t.Errorf("the record has %d bytes of %d", len(raw), store.MaxValue)
	}
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if got := env.User(string(u.ID)); len(got.Devices)+len(got.Sessions) != 0 {
		t.Errorf("left %d devices and %d sessions", len(got.Devices), len(got.Sessions))
	}
}
