package authn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

func TestHowLongASessionLives(t *testing.T) {
	tests := []struct {
		name string
		live func(*house, secret.Value)
		want bool
	}{
		{"just signed in", func(*house, secret.Value) {}, true},
		{"a second short of an idle hour", func(h *house, _ secret.Value) { h.Clock.Advance(time.Hour - time.Second) }, true},
		{"an idle hour", func(h *house, _ secret.Value) { h.Clock.Advance(time.Hour) }, false},
		{"used every half hour for a day", func(h *house, s secret.Value) { h.use(s, 47) }, true},
		{"used every half hour for a day and more", func(h *house, s secret.Value) { h.use(s, 48) }, false},
		{"the clock was set back by a minute", func(h *house, _ secret.Value) { h.Clock.Advance(-time.Minute) }, true},
		{"the clock was set back by a day", func(h *house, _ secret.Value) { h.Clock.Advance(-24 * time.Hour) }, false},
		{"suspended", func(h *house, _ secret.Value) {
			h.Change(h.User(amelie).ID, func(u *account.User) { u.Status = account.StatusSuspended })
		}, false},
		{"the epoch rose", func(h *house, _ secret.Value) { h.Change(h.User(amelie).ID, func(u *account.User) { u.Epoch++ }) }, false},
		{"the name changed", func(h *house, _ secret.Value) {
			h.Change(h.User(amelie).ID, func(u *account.User) { u.FirstName = "Amélie" })
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			_, _, session := h.Member(amelie, nil)
			test.live(h, session)
			if got := h.alive(session); got != test.want {
				t.Errorf("alive: got %v, want %v", got, test.want)
			}
			err := h.Authn.SetLocale(t.Context(), h.From, session, "en")
			if (err == nil) != test.want {
				t.Errorf("an act in it: %v", err)
			}
		})
	}
}

// use checks a session every half hour so many times, storing each use.
func (h *house) use(session secret.Value, times int) {
	h.t.Helper()
	for range times {
		h.Clock.Advance(30 * time.Minute)
		h.alive(session)
		do(h.t, h.Sessions.FlushLastSeen(h.t.Context()), "storing uses")
	}
}

// full is a store whose disk is full while it is set.
type full struct {
	store.Store
	set bool
}

func (f *full) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.set {
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, fn)
}

func TestAFullDiskSignsNobodyOut(t *testing.T) {
	h := newHouse(t)
	_, _, session := h.Member(amelie, nil)
	f := &full{Store: h.Store, set: true}
	h.Accounts.Store = f
	for range 4 {
		h.Clock.Advance(30 * time.Minute)
		if !h.alive(session) {
			t.Fatal("a session in use ended while nothing could be written")
		}
		if err := h.Sessions.FlushLastSeen(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	f.set = false
	do(t, h.Sessions.FlushLastSeen(t.Context()), "storing uses")
	h.Clock.Advance(59 * time.Minute)
	account, err := h.Authn.Account(t.Context(), session)
	if err != nil || !account.Sessions[0].LastSeen.Equal(h.Clock.Now().Add(-59*time.Minute)) {
		t.Errorf("when it was used was lost: %v, %+v", err, account.Sessions)
	}
}

func TestASignedOutSessionIsDeadOnTheServer(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	other := h.SignIn(amelie, authntest.Password, p).Session
	do(t, h.Sessions.SignOut(t.Context(), h.From, session), "signing out")
	if h.alive(session) || !h.alive(other) {
		t.Errorf("alive: this one %v, the other %v", h.alive(session), h.alive(other))
	}
	do(t, h.Sessions.SignOut(t.Context(), h.From, session), "signing out twice")
	do(t, h.Sessions.SignOut(t.Context(), h.From, secret.Value{}), "signing out of nothing")
	if got := len(h.User(string(u.ID)).Sessions); got != 1 {
		t.Errorf("got %d sessions listed, want 1", got)
	}
	_, err := h.Authn.Account(t.Context(), session)
	refused(t, err, errcode.NoSession, "the account page")
	_, err = h.Authn.StepUp(t.Context(), h.From, session, factors.InputCode, p.Next())
	refused(t, err, errcode.NoSession, "proving")
}

func TestOtherSessionsAreListedAndEnded(t *testing.T) {
	h := newHouse(t)
	_, p, mine := h.Member(amelie, nil)
	one, two := h.SignIn(amelie, authntest.Password, p).Session, h.SignIn(amelie, authntest.Password, p).Session
	_, _, pauls := h.Member("paul@garage.example", nil)
	account, err := h.Authn.Account(t.Context(), mine)
	if err != nil || len(account.Sessions) != 3 || !account.Sessions[0].Current {
		t.Fatalf("got %+v, %v", account.Sessions, err)
	}
	live, err := h.Sessions.Authenticate(t.Context(), one)
	do(t, err, "checking")
	do(t, h.Sessions.RevokeSession(t.Context(), h.From, pauls, live.ID), "ending another person's: no error, no effect")
	if !h.alive(one) {
		t.Error("a session was ended by another person")
	}
	do(t, h.Sessions.RevokeSession(t.Context(), h.From, mine, live.ID), "ending one")
	if h.alive(one) || !h.alive(two) || !h.alive(mine) {
		t.Error("not the one that was named")
	}
	halfway := h.password(h.From, amelie).Secret
	issued, err := h.Sessions.RevokeOthers(t.Context(), h.From, mine)
	do(t, err, "ending the others")
	if h.alive(mine) {
		t.Error("the session that ended the others kept its secret")
	}
	mine = issued.Session
	if h.alive(two) || !h.alive(mine) || !h.alive(pauls) {
		t.Errorf("alive: other %v, this %v, another person's %v", h.alive(two), h.alive(mine), h.alive(pauls))
	}
	if got := h.step(halfway); got != authn.StepExpired {
		t.Errorf("a login half-way outlived signing out everywhere: %q", got)
	}
}

func TestTheThirtyThirdSessionEndsTheFirst(t *testing.T) {
	h := newHouse(t)
	u, p, first := h.Member(amelie, nil)
	h.Accounts.Policy.SessionIdle = 24 * time.Hour
	agent := "<\"&\\\x00é" + strings.Repeat("<", 9000)
	var last secret.Value
	for range 32 {
		h.From.Agent = agent
		last = h.SignIn(amelie, authntest.Password, p).Session
	}
	if got := len(h.User(string(u.ID)).Sessions); got != 32 || h.alive(first) || !h.alive(last) {
		t.Errorf("%d sessions, the first alive %v, the last %v", got, h.alive(first), h.alive(last))
	}
	h.prove(last, p)
	_, err := h.Authn.ChangePassword(t.Context(), h.From, last, authntest.Password, "sept chevaux dans un garage")
	do(t, err, "ending 32 sessions in one Update")
}

func TestABrowserIsKnownByACookieOfOursOnly(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	planted := secret.From("chosen-by-somebody-who-will-guess-later-on")
	h.From.Browser = planted
	h.EmptyOutbox()
	issued := h.SignIn(amelie, authntest.Password, p)
	if issued.Browser.IsZero() || issued.Browser.Equal(planted) {
		t.Errorf("got cookie %q", issued.Browser.Reveal())
	}
	for _, b := range h.User(string(u.ID)).Browsers {
		if b.Hash == planted.Hash() {
			t.Error("the planted cookie became a known browser")
		}
	}
	if got := len(mailed[notice.NewBrowser](h)); got != 1 {
		t.Errorf("got %d mails about a new browser, want 1", got)
	}
	h.From.Browser = issued.Browser
	if again := h.SignIn(amelie, authntest.Password, p); !again.Browser.IsZero() {
		t.Error("a known browser got another cookie")
	}
	if got := len(mailed[notice.NewBrowser](h)); got != 1 {
		t.Errorf("the known browser was mailed about: %d", got)
	}
	if live := h.password(h.From, "amelie@garage.example"); live.Step != authn.StepVerify {
		t.Errorf("a known browser skips a step: %q", live.Step)
	}
}

func TestASignInGetsSecretsOfItsOwnAndNamesWhatWasProven(t *testing.T) {
	h := newHouse(t)
	_, p, first := h.Member(amelie, nil)
	issued := h.SignIn(amelie, authntest.Password, p)
	if issued.Session == first || len(issued.Session.Reveal()) != 43 {
		t.Errorf("got a session of %d characters", len(issued.Session.Reveal()))
	}
	live, err := h.Sessions.Authenticate(t.Context(), issued.Session)
	if err != nil || !slices.Equal(live.AMR, []string{"pwd", "otp", "mfa"}) || !live.StepUpUntil.IsZero() {
		t.Errorf("got %v, proven to %v, %v", live.AMR, live.StepUpUntil, err)
	}
	for key, value := range h.scan() {
		for _, secret := range []string{issued.Session.Reveal(), issued.Browser.Reveal(), p.Secret, authntest.Password} {
			if secret != "" && (strings.Contains(key+value, secret)) {
				t.Errorf("record %s holds a secret in clear", key)
			}
		}
	}
}

func TestSweepingTakesTheDeadAndLeavesTheLiving(t *testing.T) {
	h := newHouse(t)
	u, _, old := h.Member(amelie, nil)
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	for range 70 {
		h.password(h.From, amelie)
	}
	h.Clock.Advance(26 * time.Hour)
	_, _, live := h.Member("paul@garage.example", nil)
	login := h.password(h.From, "paul@garage.example").Secret
	do(t, h.Authn.DeleteExpired(t.Context()), "deleting expired transactions")
	do(t, h.Accounts.DeleteExpired(t.Context()), "deleting expired links")
	do(t, h.Sessions.DeleteExpired(t.Context()), "deleting expired sessions")
	count := map[string]int{}
	for key := range h.scan() {
		for _, kind := range []store.TableDef{store.Transactions, store.Sessions, store.Links} {
			if len(key) > len(kind.Prefix) && key[:len(kind.Prefix)] == kind.Prefix {
				count[kind.Prefix]++
			}
		}
	}
	if count["transaction/"] != 1 || count["session/"] != 1 || count["link/"] != 1 {
		t.Errorf("left %v, want one login, one session and the ticket link that can still be renewed", count)
	}
	if h.alive(old) || !h.alive(live) || h.step(login) != authn.StepVerify {
		t.Error("the wrong ones were swept")
	}
}
