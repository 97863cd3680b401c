package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/factors/totp"
)

func TestNext(t *testing.T) {
	env := newTestEnv(t)
	phone := factors.Device{ID: "p", Kind: totp.Kind, Data: []byte(`{}`)}
	off, odd := phone, phone
	off.Disabled, odd.Kind = "clone", "carrier-pigeon"
	sheet := recoverySheet(env)
	now := authntest.Start
	later := now.Add(time.Hour)
	live := account.Ticket{ID: "t", Provenance: account.ProvenanceEmail, Made: now, Expires: later, Transaction: "me"}
	elsewhere, over := live, live
	elsewhere.Transaction, over.Expires = "other", now
	invited := account.Invitation{Link: "link", Provenance: account.ProvenanceEmail, Expires: later}
	chosen := &authn.NewPassword{Hash: "x"}
	tests := []struct {
		name  string
		login func(*authn.Transaction)
		user  func(*account.User)
		want  authn.Step
	}{
		{"a device is there", nil, func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"nothing is there", nil, nil, authn.StepBlocked},
		{"the one device is a clone", nil, func(u *account.User) { u.Devices = []factors.Device{off} }, authn.StepBlocked},
		{"the one device has a kind that the configuration excludes", nil, func(u *account.User) { u.Devices = []factors.Device{odd} }, authn.StepBlocked},
		{"recovery codes besides a clone", nil, func(u *account.User) { u.Devices = []factors.Device{off, sheet} }, authn.StepVerify},
		{"recovery codes alone, with a password link", func(tr *authn.Transaction) { tr.NewPassword = chosen },
			func(u *account.User) { u.Devices = []factors.Device{sheet} }, authn.StepBlocked},
		{"a device, with a password link", func(tr *authn.Transaction) { tr.NewPassword = chosen },
			func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},

		{"its ten minutes are over", func(tr *authn.Transaction) { tr.Expires = now }, func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the user is suspended", nil, func(u *account.User) { u.Status = account.StatusSuspended; u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the password changed", nil, func(u *account.User) { u.PasswordEpoch++; u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the epoch moved, not by a reset", nil, func(u *account.User) { u.Epoch++; u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the epoch moved, not by a reset, a ticket is valid", nil, func(u *account.User) { u.Epoch++; u.Tickets = []account.Ticket{elsewhere} }, authn.StepExpired},
		{"the epoch moved by a reset and by something else", nil, func(u *account.User) {
			u.Epoch, u.Resets, u.Tickets = u.Epoch+2, u.Resets+1, []account.Ticket{elsewhere}
		}, authn.StepExpired},
		{"reset meanwhile", nil, afterReset(elsewhere), authn.StepTicket},
		{"reset twice meanwhile", nil, func(u *account.User) { afterReset(elsewhere)(u); afterReset(elsewhere)(u) }, authn.StepTicket},
		{"reset meanwhile, with a password link", func(tr *authn.Transaction) { tr.NewPassword = chosen }, afterReset(elsewhere), authn.StepExpired},
		{"reset and enrolled again meanwhile", nil, func(u *account.User) { afterReset()(u); u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"reset meanwhile, no ticket, within the week", nil, func(u *account.User) { afterReset()(u); u.ResetAt = now }, authn.StepTicket},
		{"reset meanwhile, no ticket, after the week", nil, func(u *account.User) { afterReset()(u); u.ResetAt = now.Add(-account.TicketRenewalWindow) }, authn.StepBlocked},

		{"a device was verified, the password must change", withSecondFactor(false), mustChange(phone), authn.StepChangePassword},
		{"a recovery code was used, the password must change", withSecondFactor(true), mustChange(phone), authn.StepEnrol},
		{"a device was verified, must change, then a device removed", withSecondFactor(false), func(u *account.User) { mustChange(phone)(u); u.Epoch++ }, authn.StepExpired},
		{"a device was verified, must change, then reset", withSecondFactor(false), func(u *account.User) { mustChange()(u); afterReset(elsewhere)(u) }, authn.StepTicket},
		{"a recovery code was used, must change, then reset", withSecondFactor(true), func(u *account.User) { mustChange()(u); afterReset(elsewhere)(u) }, authn.StepTicket},
		{"a device was verified, no change required", withSecondFactor(false), func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"must change, nothing verified", nil, mustChange(phone), authn.StepVerify},

		{"it holds the ticket", withTicket("t"), func(u *account.User) { u.Tickets = []account.Ticket{live} }, authn.StepEnrol},
		{"it holds the ticket, reset came after the password", withTicket("t"), afterReset(live), authn.StepEnrol},
		{"the ticket went to another transaction", withTicket("t"), func(u *account.User) { u.Tickets = []account.Ticket{elsewhere} }, authn.StepTicket},
		{"the ticket is over", withTicket("t"), func(u *account.User) { u.Tickets = []account.Ticket{over} }, authn.StepBlocked},
		{"the ticket was spent elsewhere", withTicket("t"), func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"it holds a ticket, the password changed", withTicket("t"), func(u *account.User) { u.PasswordEpoch++; u.Tickets = []account.Ticket{live} }, authn.StepExpired},

		{"it holds the invitation", withTicket("invitation"), func(u *account.User) { u.Invited = invited }, authn.StepEnrol},
		{"invited, but it holds nothing", nil, func(u *account.User) { u.Invited = invited }, authn.StepBlocked},
		{"the invitation is over", withTicket("invitation"), func(u *account.User) { u.Invited = invited; u.Invited.Expires = now }, authn.StepBlocked},
		{"the invitation was spent", withTicket("invitation"), func(u *account.User) { u.EverHadDevice = true; u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"invited, but a device was had and lost", withTicket("invitation"), func(u *account.User) { u.Invited, u.EverHadDevice = invited, true }, authn.StepBlocked},
		{"invited, reset meanwhile", withTicket("invitation"), func(u *account.User) { afterReset(elsewhere)(u); u.Invited = invited }, authn.StepTicket},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr := authn.Transaction{ID: "me", PasswordEpoch: 3, Epoch: 7, Resets: 1, Expires: now.Add(account.TransactionTTL)}
			u := account.User{Status: account.StatusActive, PasswordEpoch: 3, Epoch: 7, Resets: 1}
			if test.login != nil {
				test.login(&tr)
			}
			if test.user != nil {
				test.user(&u)
			}
			if got := env.Authn.Next(&tr, &u, now); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func withTicket(ticket string) func(*authn.Transaction) {
	return func(tr *authn.Transaction) { tr.Ticket = ticket }
}

func withSecondFactor(backup bool) func(*authn.Transaction) {
	return func(tr *authn.Transaction) {
		tr.SecondFactor = &authn.SecondFactor{AMR: []string{"pwd"}, Backup: backup}
	}
}

func mustChange(devices ...factors.Device) func(*account.User) {
	return func(u *account.User) { u.Devices, u.Password.MustChange = devices, account.ChangeExpired }
}

func afterReset(tickets ...account.Ticket) func(*account.User) {
	return func(u *account.User) { u.Epoch, u.Resets, u.Tickets = u.Epoch+1, u.Resets+1, tickets }
}

func recoverySheet(env *testEnv) factors.Device {
	env.t.Helper()
	u, p, session := env.Member("sheet@garage.example", nil)
	env.stepUp(session, p)
	env.recoveryCodes(session)
	for _, d := range env.User(string(u.ID)).Devices {
		if d.Kind == recovery.Kind {
			return d
		}
	}
	env.t.Fatal("no recovery codes")
	return factors.Device{}
}

func TestNext_UsedRecoveryCodesDoNotCount(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	codes := env.recoveryCodes(session)
	env.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
	for i, c := range codes {
		started := env.password(env.From, amelie)
		if started.Step != authn.StepVerify {
			t.Fatalf("before code %d: got step %q", i, started.Step)
		}
		v, err := env.Authn.Verify(t.Context(), env.From, started.Secret, factors.InputBackup, []byte(c))
		if err != nil || !v.Accepted() || v.CodesLeft != 9-i || !v.Enrol {
			t.Fatalf("code %d: %v, %+v", i, err, v)
		}
	}
	if got := env.password(env.From, amelie).Step; got != authn.StepBlocked {
		t.Errorf("with every code used: got step %q, want %q", got, authn.StepBlocked)
	}
}
