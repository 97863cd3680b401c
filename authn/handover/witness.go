package handover

import (
	"context"
	"slices"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/account/origin"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/errcode"
)

// findWitness returns the user with an id or login if they can be the witness of a handover by h to u. Every refusal is
// the same, also for a user who does not exist: h may not read more about the witness.
func (s *Service) findWitness(r account.Reader, now time.Time, h, u *account.User, witness string) (account.User, error) {
	w, err := r.Find(witness)
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return w, err
	}
	if err != nil {
		return w, errcode.ForbiddenFor(errcode.ReasonWitness)
	}
	return w, s.checkWitness(r, now, h, u, &w)
}

// Refusal is why a user cannot be a witness (protocol rule 9).
type Refusal string

// The refusals.
const (
	RefusalNone      Refusal = ""
	RefusalOneself   Refusal = "oneself"   // the administrator, or the user who gets the code
	RefusalInactive  Refusal = "inactive"  // the account is not active
	RefusalNew       Refusal = "new"       // the account or its address is younger than 72 hours
	RefusalCoolOff   Refusal = "cool_off"  // reset lately
	RefusalElsewhere Refusal = "elsewhere" // of no garage of the user, both for 72 hours
	RefusalNoDevice  Refusal = "no_device" // without a device older than 72 hours
	RefusalDependent Refusal = "dependent" // the accounts of witness and administrator rest on one another
)

// checkWitness returns Forbidden unless w can be the witness of a handover by h to u.
func (s *Service) checkWitness(r account.Reader, now time.Time, h, u, w *account.User) error {
	refusal, err := s.refusal(r, now, h, u, w)
	if err == nil && refusal != RefusalNone {
		err = errcode.ForbiddenFor(errcode.ReasonWitness)
	}
	return err
}

// refusal returns why w cannot be the witness of a handover by h to u (protocol rule 9).
func (s *Service) refusal(r account.Reader, now time.Time, h, u, w *account.User) (Refusal, error) {
	_, coolsOff := w.CoolOff(now)
	switch {
	case w.ID == h.ID, w.ID == u.ID:
		return RefusalOneself, nil
	case w.Status != account.StatusActive, w.Placeholder:
		return RefusalInactive, nil
	case young(w.Created, now), w.AddressChanged(now):
		return RefusalNew, nil
	case coolsOff:
		return RefusalCoolOff, nil
	case !present(w, u, now):
		return RefusalElsewhere, nil
	case len(s.proofs(w, now)) == 0:
		return RefusalNoDevice, nil
	case !independent(h, w):
		return RefusalDependent, nil
	}
	related, err := authn.RelatedOwners(r, string(h.ID), string(w.ID), now)
	if err == nil && related {
		return RefusalDependent, nil
	}
	return RefusalNone, err
}

// Refusals returns why each of some users cannot be the witness of a handover by p to a user, in the order of the ids. p may read all of
// them; an id that p may not read is RefusalElsewhere, as is one that does not exist.
func (s *Service) Refusals(ctx context.Context, p admin.Principal, user string, witnesses []account.UserID) (out []Refusal, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		out = make([]Refusal, len(witnesses))
		u, err := admin.FindUser(r, p, admin.PermRead, user)
		if err != nil {
			return err
		}
		h, err := r.User(account.UserID(p.Owner))
		if err != nil {
			return err
		}
		for i, id := range witnesses {
			w, err := admin.FindUser(r, p, admin.PermRead, string(id))
			switch {
			case err == nil:
				if out[i], err = s.refusal(r, now, &h, &u, &w); err != nil {
					return err
				}
			case errcode.Of(err) == errcode.NotFound:
				out[i] = RefusalElsewhere
			default:
				return err
			}
		}
		return nil
	})
	return out, err
}

// young reports whether a time is less than origin.Age before now.
func young(t, now time.Time) bool { return now.Before(t.Add(origin.Age)) }

// proofs returns the primary devices by which w can confirm: usable, seen by w alone, and old enough.
func (s *Service) proofs(w *account.User, now time.Time) []factors.Device {
	return slices.DeleteFunc(s.freeze.Proofs(w, "", now), func(d factors.Device) bool { return !s.accounts.Method(d.Kind).Primary })
}

// present reports whether w belongs where u is: both are members of a group, or w is an administrator of all groups of u. A young
// membership of either, and a young role, do not count: an administrator could move u to a colleague of their choice.
func present(w, u *account.User, now time.Time) bool {
	joined := func(g account.GroupID) bool { return u.Joins.Young(string(g), now) }
	if slices.ContainsFunc(u.Groups, func(g account.GroupID) bool {
		return slices.Contains(w.Groups, g) && !w.Joins.Young(string(g), now) && !joined(g)
	}) {
		return true
	}
	var owned []account.GroupID
	for _, a := range w.Active().Roles {
		switch {
		case a.Role.Rank() < account.RoleHelpDesk.Rank() || young(a.Changed, now):
		case len(a.Groups) == 0:
			return true
		default:
			owned = append(owned, a.Groups...)
		}
	}
	p := admin.Principal{Groups: owned}
	return len(owned) > 0 && p.InScope(u) && !slices.ContainsFunc(u.Groups, joined)
}

// independent reports whether neither account of h and w rests on the other.
func independent(h, w *account.User) bool {
	return !w.Sponsors.Has(string(h.ID)) && !h.Sponsors.Has(string(w.ID)) &&
		w.EmailProvenance.By != string(h.ID) && w.Password.Provenance != string(h.ID) && h.Password.Provenance != string(w.ID)
}
