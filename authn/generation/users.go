package generation

import (
	"slices"
	"sync"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/store"
)

// leap is by how much a generation raises epochs and revisions. In the time that was lost, a user's epoch rose too, and clients have
// what names such an epoch: authorization codes, pages, tags. No user changes so often that both meet.
const leap = 1 << 32

const (
	usersAtOnce  = 480 // ids in memory
	usersPerTurn = 15  // of one Update: a record has at most store.MaxValue bytes, and needs four keys
	turns        = 4   // Updates at once, which share a commit
)

// renewUsers renews every user, in bounded memory.
func (r *run) renewUsers() error {
	for after := ""; ; {
		var ids []account.UserID
		err := r.Accounts.Store.View(r.ctx, func(s store.Snapshot) error {
			ids = nil
			return s.Scan(store.Users.Prefix, after, usersAtOnce, func(key string, _ []byte) error {
				ids = append(ids, account.UserID(key[len(store.Users.Prefix):]))
				return nil
			})
		})
		if err == nil {
			err = r.renewPage(ids)
		}
		if err != nil || len(ids) < usersAtOnce {
			return err
		}
		after = store.Users.Prefix + string(ids[len(ids)-1])
	}
}

// renewPage renews these users in several Updates at once.
func (r *run) renewPage(ids []account.UserID) (err error) {
	var mu sync.Mutex
	var workers sync.WaitGroup
	free := make(chan struct{}, turns)
	for part := range slices.Chunk(ids, usersPerTurn) {
		free <- struct{}{}
		workers.Go(func() {
			defer func() { <-free }()
			done, failed := account.Update(r.ctx, r.Accounts, r.Accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (out Report, err error) {
				for _, id := range part {
					if err := r.renewUser(tx, id, &out); err != nil {
						return out, err
					}
				}
				return out, nil
			})
			mu.Lock()
			defer mu.Unlock()
			r.out.add(done)
			if failed != nil {
				err = failed
			}
		})
	}
	workers.Wait()
	return err
}

func (out *Report) add(done Report) {
	out.Users += done.Users
	out.Frozen += done.Frozen
	out.Lists += done.Lists
	out.Passwords += done.Passwords
	out.Roles += done.Roles
	out.Unreadable += done.Unreadable
}

// renewUser ends what no generation keeps in the record of a user. A damaged record stays as it is: it gives no access.
func (r *run) renewUser(tx *account.Tx, id account.UserID, out *Report) error {
	u, err := tx.User(id)
	if account.Missing(err) {
		out.Unreadable++
		return nil
	}
	if err != nil {
		return err
	}
	out.Users++
	u.Epoch, u.PasswordEpoch, u.Revision = u.Epoch+leap, u.PasswordEpoch+leap, u.Revision+leap
	u.Sessions, u.Browsers, u.Tickets, u.Invited.Link = nil, nil, nil, ""
	u.AdminEnrolment, u.AdminVerification, u.PasswordLink = nil, nil, account.PasswordLink{}
	if u.ResetAt = (account.User{}).ResetAt; r.from.Log == nil { // also the offer of new tickets ends
		r.distrust(tx, &u, out)
	}
	u.Devices = slices.Clone(u.Devices)
	for i, d := range u.Devices {
		unknown := r.counts(d.Kind) && r.unseen()
		if renewer, is := r.Accounts.Factor(d.Kind).(factors.Renewer); is {
			renewed, err := renewer.Renew(tx.Op.Now, d)
			if unknown = err != nil; !unknown {
				u.Devices[i] = renewed
			}
		}
		if unknown && !d.IsFrozen() {
			u.Devices[i].Frozen, u.Devices[i].FrozenBy = tx.Op.Now, r.Accounts.Policy.Issuer
			out.Frozen++
		}
	}
	return tx.Save(&u)
}

// counts reports whether the devices of a kind show codes by a counter. The record cannot tell which were used since the backup, and
// two used codes in a row would resynchronise it (protocol rule 17).
func (r *run) counts(kind factors.Kind) bool {
	m := r.Accounts.Method(kind)
	return m.Input == factors.InputCode && m.Period == 0
}

// unseen reports whether devices may have been used since the backup without an event that tells.
func (r *run) unseen() bool {
	return r.from.Log == nil || r.from.Log.Removed[audit.LaneRoutine] > 0
}

// distrust ends what may have ended since the backup: each list of recovery codes may be used up or replaced, each password and number
// changed, and each role lost.
func (r *run) distrust(tx *account.Tx, u *account.User, out *Report) {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(d factors.Device) bool {
		if !r.Accounts.IsBackup(d) {
			return false
		}
		out.Lists++
		return true
	})
	if u.Password.Hash != "" && u.Password.MustChange == "" {
		u.Password.MustChange = account.ChangeExpired
		out.Passwords++
	}
	u.Roles = slices.Clone(u.Roles)
	for i := range u.Roles {
		if !u.Roles[i].Rests {
			u.Roles[i].Rests = true
			out.Roles++
		}
	}
	for _, p := range []*account.Phone{&u.PrimaryPhone, &u.MobilePhone} { // nobody is called back on it until someone could object
		if p.Number != "" {
			p.Since = tx.Op.Now
		}
	}
}
