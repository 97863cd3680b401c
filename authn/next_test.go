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
	h := newHouse(t)
	phone := factors.Device{ID: "p", Kind: totp.Kind, Data: []byte(`{}`)}
	off, odd := phone, phone
	off.Disabled, odd.Kind = "clone", "carrier-pigeon"
	sheet := sheetOf(h)
	now := authntest.Start
	later := now.Add(time.Hour)
	live := account.Ticket{ID: "t", Provenance: account.ProvenanceEmail, Made: now, Expires: later, Transaction: "me"}
	elsewhere, over := live, live
	elsewhere.Transaction, over.Expires = "other", now
	invited := account.Invitation{Link: "link", Provenance: account.ProvenanceEmail, Expires: later}
	chosen := &authn.NewPassword{PHC: "x"}
	tests := []struct {
		name  string
		login func(*authn.Transaction)
		user  func(*account.User)
		want  authn.Step
	}{
		{"a device is there", nil, func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"nothing is there", nil, nil, authn.StepBlocked},
		{"the one device is a clone", nil, func(u *account.User) { u.Devices = []factors.Device{off} }, authn.StepBlocked},
		{"the one device is of a kind that the policy left out", nil, func(u *account.User) { u.Devices = []factors.Device{odd} }, authn.StepBlocked},
		{"codes on paper besides a clone", nil, func(u *account.User) { u.Devices = []factors.Device{off, sheet} }, authn.StepVerify},
		{"codes on paper alone, password forgotten", func(l *authn.Transaction) { l.NewPassword = chosen },
			func(u *account.User) { u.Devices = []factors.Device{sheet} }, authn.StepBlocked},
		{"a device, password forgotten", func(l *authn.Transaction) { l.NewPassword = chosen },
			func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},

		{"its ten minutes are over", func(l *authn.Transaction) { l.Expires = now }, func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the person is suspended", nil, func(u *account.User) { u.Status = account.StatusSuspended; u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the password changed", nil, func(u *account.User) { u.PasswordEpoch++; u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the epoch moved, not by a reset", nil, func(u *account.User) { u.Epoch++; u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"the epoch moved, not by a reset, a ticket lives", nil, func(u *account.User) { u.Epoch++; u.Tickets = []account.Ticket{elsewhere} }, authn.StepExpired},
		{"the epoch moved by a reset and by something else", nil, func(u *account.User) {
			u.Epoch, u.Resets, u.Tickets = u.Epoch+2, u.Resets+1, []account.Ticket{elsewhere}
		}, authn.StepExpired},
		{"reset meanwhile", nil, reset(elsewhere), authn.StepTicket},
		{"reset twice meanwhile", nil, func(u *account.User) { reset(elsewhere)(u); reset(elsewhere)(u) }, authn.StepTicket},
		{"reset meanwhile, password forgotten", func(l *authn.Transaction) { l.NewPassword = chosen }, reset(elsewhere), authn.StepExpired},
		{"reset and enrolled again meanwhile", nil, func(u *account.User) { reset()(u); u.Devices = []factors.Device{phone} }, authn.StepExpired},
		{"reset meanwhile, no ticket, within the week", nil, func(u *account.User) { reset()(u); u.ResetAt = now }, authn.StepTicket},
		{"reset meanwhile, no ticket, after the week", nil, func(u *account.User) { reset()(u); u.ResetAt = now.Add(-account.TicketRenewalWindow) }, authn.StepBlocked},

		{"a device was proven, the password is marked", proven(false), marked(phone), authn.StepChangePassword},
		{"a recovery code was spent, the password is marked", proven(true), marked(phone), authn.StepEnrol},
		{"a device was proven, marked, and taken away since", proven(false), func(u *account.User) { marked(phone)(u); u.Epoch++ }, authn.StepExpired},
		{"a device was proven, marked, and reset since", proven(false), func(u *account.User) { marked()(u); reset(elsewhere)(u) }, authn.StepTicket},
		{"a recovery code was spent, marked, and reset since", proven(true), func(u *account.User) { marked()(u); reset(elsewhere)(u) }, authn.StepTicket},
		{"a device was proven, the mark is gone", proven(false), func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"marked, and nothing proven", nil, marked(phone), authn.StepVerify},

		{"it bears the ticket", bears("t"), func(u *account.User) { u.Tickets = []account.Ticket{live} }, authn.StepEnrol},
		{"it bears the ticket, reset came after the password", bears("t"), reset(live), authn.StepEnrol},
		{"the ticket went to another login", bears("t"), func(u *account.User) { u.Tickets = []account.Ticket{elsewhere} }, authn.StepTicket},
		{"the ticket is over", bears("t"), func(u *account.User) { u.Tickets = []account.Ticket{over} }, authn.StepBlocked},
		{"the ticket was spent elsewhere", bears("t"), func(u *account.User) { u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"it bears a ticket, the password changed", bears("t"), func(u *account.User) { u.PasswordEpoch++; u.Tickets = []account.Ticket{live} }, authn.StepExpired},

		{"it bears the invitation", bears("invitation"), func(u *account.User) { u.Invited = invited }, authn.StepEnrol},
		{"invited, but it bears nothing", nil, func(u *account.User) { u.Invited = invited }, authn.StepBlocked},
		{"the invitation is over", bears("invitation"), func(u *account.User) { u.Invited = invited; u.Invited.Expires = now }, authn.StepBlocked},
		{"the invitation was spent", bears("invitation"), func(u *account.User) { u.EverHadDevice = true; u.Devices = []factors.Device{phone} }, authn.StepVerify},
		{"invited, but a device was had and lost", bears("invitation"), func(u *account.User) { u.Invited, u.EverHadDevice = invited, true }, authn.StepBlocked},
		{"invited, reset meanwhile", bears("invitation"), func(u *account.User) { reset(elsewhere)(u); u.Invited = invited }, authn.StepTicket},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := authn.Transaction{ID: "me", PasswordEpoch: 3, Epoch: 7, Resets: 1, Expires: now.Add(account.TransactionTTL)}
			u := account.User{Status: account.StatusActive, PasswordEpoch: 3, Epoch: 7, Resets: 1}
			if test.login != nil {
				test.login(&l)
			}
			if test.user != nil {
				test.user(&u)
			}
			if got := h.Authn.Next(&l, &u, now); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func bears(grant string) func(*authn.Transaction) {
	return func(l *authn.Transaction) { l.Ticket = grant }
}

func proven(spare bool) func(*authn.Transaction) {
	return func(l *authn.Transaction) { l.Proven = &authn.SecondFactor{AMR: []string{"pwd"}, Spare: spare} }
}

func marked(devices ...factors.Device) func(*account.User) {
	return func(u *account.User) { u.Devices, u.Password.MustChange = devices, account.ChangeExpired }
}

func reset(tickets ...account.Ticket) func(*account.User) {
	return func(u *account.User) { u.Epoch, u.Resets, u.Tickets = u.Epoch+1, u.Resets+1, tickets }
}

func sheetOf(h *house) factors.Device {
	h.t.Helper()
	u, p, session := h.Member("sheet@garage.example", nil)
	h.prove(session, p)
	h.recoveryCodes(session)
	for _, d := range h.User(string(u.ID)).Devices {
		if d.Kind == recovery.Kind {
			return d
		}
	}
	h.t.Fatal("no sheet of recovery codes")
	return factors.Device{}
}

func TestASheetOfStruckCodesIsNothing(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	codes := h.recoveryCodes(session)
	h.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
	for i, c := range codes {
		started := h.password(h.From, amelie)
		if started.Step != authn.StepVerify {
			t.Fatalf("before code %d: got step %q", i, started.Step)
		}
		v, err := h.Authn.Verify(t.Context(), h.From, started.Secret, factors.InputBackup, []byte(c))
		if err != nil || !v.Accepted() || v.CodesLeft != 9-i || !v.Enrol {
			t.Fatalf("code %d: %v, %+v", i, err, v)
		}
	}
	if got := h.password(h.From, amelie).Step; got != authn.StepBlocked {
		t.Errorf("with every code struck: got step %q, want %q", got, authn.StepBlocked)
	}
}
