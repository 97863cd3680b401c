package authntest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"barillet/internal/audit"
	"barillet/store"
)

const (
	eventsOfUpdate = 22 // each uses one key, and its watcher two
	eventsWaiting  = 20 * eventsOfUpdate
	seededClients  = 40   // that users sign in to
	seededTokens   = 3000 // that administrators use
)

// seedEvents appends events to the log while the tree numbers them. Their times lead evenly to the present one, with a signed
// head for each day.
func (s *seeder) seedEvents() {
	appended, failed := make(chan time.Time, 1), make(chan error, 1)
	go func() {
		defer close(appended)
		for n := 0; n < s.Size.Events; n += eventsWaiting {
			at, err := s.appendEvents(n, min(s.Size.Events, n+eventsWaiting))
			if err != nil {
				failed <- err
				return
			}
			appended <- at
			if tenth := max(1, s.Size.Events/10); n/tenth != (n+eventsWaiting)/tenth {
				s.log("events: %d of %d", n, s.Size.Events)
			}
		}
	}()
	signed := s.Clock.Now()
	for at := range appended {
		s.Clock.Advance(at.Sub(s.Clock.Now()))
		if err := s.tree.Sequence(s.T.Context()); err != nil {
			s.T.Fatal(err)
		}
		if at.Sub(signed) >= 24*time.Hour {
			signed = at
			s.advance()
		}
	}
	select {
	case err := <-failed:
		s.T.Fatal(err)
	default:
	}
	s.Clock.Advance(s.now.Sub(s.Clock.Now()))
	s.advance()
}

// advance numbers what waits, signs a head and counts sign-ins.
func (s *seeder) advance() {
	if err := errors.Join(s.tree.Advance(s.T.Context()), s.Counts.Count(s.T.Context())); err != nil {
		s.T.Fatal(err)
	}
}

// appendEvents appends some events and returns the time of the last.
func (s *seeder) appendEvents(from, to int) (at time.Time, err error) {
	for ; from < to && err == nil; from += eventsOfUpdate {
		err = s.Store.Update(s.T.Context(), func(tx store.Tx) error {
			for n := from; n < min(to, from+eventsOfUpdate); n++ {
				at = s.now.Add(-seededSpan + time.Duration(float64(n+1)/float64(s.Size.Events+1)*float64(seededSpan)))
				if err := s.Log.Append(tx, audit.NewID(at), s.event(n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return at, err
}

// Token returns the id of the principal of an API token that events name.
func (s *Seeded) Token(i int) string { return "token:" + seededID("token", i)[:20] }

// event returns event n: of 100, 84 are of sign-ins, with three each, and the others of applications, refusals and
// administrators.
func (s *seeder) event(n int) audit.Event {
	kind := n % 100
	act := n
	if kind < 84 {
		act = n - kind%3
	}
	r := rand.New(rand.NewPCG(uint64(act), 3))
	i := Active(r.IntN(s.People / 100 * active))
	user, device := audit.Actor{Type: audit.TypeUser, ID: string(s.ID(i)), Name: Login(i)}, audit.Actor{Type: audit.TypeDevice, ID: seededID("device", i), Name: "Téléphone"}
	g, token := r.IntN(s.Groups), r.IntN(seededTokens)
	group := audit.Actor{Type: audit.TypeGroup, ID: string(s.Group(g)), Name: fmt.Sprintf("Garage %04d %s", g, towns[g%len(towns)])}
	e := audit.Event{Actor: user, Subject: user.ID, SubjectName: user.Name, Outcome: audit.Success, Address: s.From.ClientAddress(), Agent: s.From.Agent,
		Request: seededID("request", act)}
	if kind >= 92 {
		e.Actor = audit.Actor{Type: audit.TypeToken, ID: s.Token(token), Name: fmt.Sprintf("support desk %d", token)}
	}
	switch {
	case kind < 84:
		e.Action = []string{audit.PasswordProven, audit.FactorProven, audit.SessionStart}[kind%3]
		if e.Action == audit.FactorProven {
			e.Targets, e.Detail = []audit.Actor{device}, map[string]string{"kind": "totp"}
		}
	case kind < 88:
		app := r.IntN(seededClients)
		e.Action, e.Session = audit.AppSignIn, seededID("session", act)[:16]
		e.Targets = []audit.Actor{{Type: audit.TypeApplication, ID: "c" + seededID("client", app), Name: fmt.Sprintf("Application %d", app)}}
	case kind < 90:
		e.Action, e.Outcome, e.Reason, e.Targets = audit.FactorProven, audit.Failure, "wrong", []audit.Actor{device}
	case kind < 92:
		e = audit.Event{Actor: audit.Actor{Type: audit.TypeUnknown}, Action: audit.UnknownName, Outcome: audit.Failure, Address: e.Address, Agent: e.Agent, Request: e.Request}
	case kind < 94:
		e.Action, e.Targets = audit.FactorsReset, []audit.Actor{device}
	case kind < 95:
		e.Action = audit.UserCreated
	case kind < 97:
		e.Action, e.Targets = audit.GroupMemberAdded, []audit.Actor{group}
	default:
		e.Action = audit.ProfileUpdated
	}
	return e
}
