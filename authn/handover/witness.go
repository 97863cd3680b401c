package handover

import (
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/account/origin"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/errcode"
)

// newAccounts is how long two accounts that one administrator made do not count as two people (protocol rule 9).
const newAccounts = 30 * 24 * time.Hour

// findWitness returns the user with an id or login if they can be the witness of a handover by h to u. Every refusal is
// the same, also for a user who does not exist: h may not read more about the witness.
func (s *Service) findWitness(r account.Reader, now time.Time, h, u *account.User, witness string) (account.User, error) {
	w, err := r.Find(witness)
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return w, err
	}
	if err != nil || !s.canWitness(now, h, u, &w) {
		return w, errcode.ForbiddenFor(errcode.ReasonWitness)
	}
	return w, nil
}

// canWitness reports whether w can be the witness of a handover by h to u (protocol rule 9).
func (s *Service) canWitness(now time.Time, h, u, w *account.User) bool {
	_, coolsOff := w.CoolOff(now)
	switch {
	case w.Status != account.StatusActive, w.Placeholder, w.ID == h.ID, w.ID == u.ID:
		return false
	case young(w.Created, now), w.AddressChanged(now), coolsOff:
		return false
	case !present(w, u, now), len(s.proofs(w, now)) == 0:
		return false
	}
	return independent(h, w, now)
}

// young reports whether a time is less than origin.Age before now.
func young(t, now time.Time) bool { return now.Before(t.Add(origin.Age)) }

// proofs returns the primary devices by which w can confirm: usable, seen by w alone, and old enough.
func (s *Service) proofs(w *account.User, now time.Time) []factors.Device {
	return slices.DeleteFunc(s.freeze.Proofs(w, "", now), func(d factors.Device) bool { return !s.accounts.Method(d.Kind).Primary })
}

// present reports whether w belongs where u is: both are members of a group, or w is an administrator of all groups of u. A young
// membership or role does not count.
func present(w, u *account.User, now time.Time) bool {
	if slices.ContainsFunc(u.Groups, func(g account.GroupID) bool {
		return slices.Contains(w.Groups, g) && !w.Joins.Young(string(g), now)
	}) {
		return true
	}
	var owned []account.GroupID
	for _, a := range w.Roles {
		switch {
		case a.Role.Rank() < account.RoleHelpDesk.Rank() || young(a.Changed, now):
		case len(a.Groups) == 0:
			return true
		default:
			owned = append(owned, a.Groups...)
		}
	}
	p := admin.Principal{Groups: owned}
	return len(owned) > 0 && p.InScope(u)
}

// independent reports whether the accounts of h and w belong to two people, as far as the records say: neither rests on the
// other, and no third administrator made both lately.
func independent(h, w *account.User, now time.Time) bool {
	return !w.Sponsors.Has(string(h.ID)) && !h.Sponsors.Has(string(w.ID)) && !w.Sponsors.Share(h.Sponsors, now.Add(-newAccounts)) &&
		w.EmailProvenance.By != string(h.ID) && w.Password.Provenance != string(h.ID) && h.Password.Provenance != string(w.ID)
}
