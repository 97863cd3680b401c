package handover

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

// Asked returns the handovers whose witness the user of a session is asked to be, oldest first.
func (s *Service) Asked(ctx context.Context, session secret.Value) (out []Handover, err error) {
	now := s.accounts.Now()
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		out = nil
		r := s.accounts.Reader(snap)
		_, w, err := s.sessions.Load(r, session, now)
		if err != nil {
			return err
		}
		return s.records.Scan(snap, witnessKey(w.ID, ""), "", 0, func(key string, _ record) error {
			rec, err := s.load(snap, account.UserID(key[strings.LastIndexByte(key, '/')+1:]), now)
			if err == nil && rec.asks(w.ID, now) {
				out = append(out, *rec.Handover)
			}
			return err
		})
	})
	sort.Slice(out, func(i, j int) bool { return out[i].At.Before(out[j].At) })
	return out, err
}

// asks reports whether a witness is asked at now.
func (r *record) asks(witness account.UserID, now time.Time) bool {
	return r.Handover.live(now) && r.Handover.State == StateAsked && r.Handover.Witness == witness
}

// Question is what the page of a witness shows.
type Question struct {
	Handover
	Left   int              // wrong digits that remain, with the last one
	Proofs []factors.Device // by which the witness can confirm
	Proven bool             // the session has a step-up by one of them, which no handover used
	Other  bool             // it has one by another device
}

// Question returns what the witness of a session is asked. It returns NotFound if the user of the session is not asked.
func (s *Service) Question(ctx context.Context, session secret.Value, id string) (out Question, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		ses, w, err := s.sessions.Load(r, session, now)
		if err != nil {
			return err
		}
		rec, err := s.find(r.Raw, id, now)
		switch {
		case err != nil:
			return err
		case !rec.asks(w.ID, now):
			return errcode.New(errcode.NotFound)
		}
		out = Question{Handover: *rec.Handover, Left: maxWrong - rec.Wrong, Proofs: s.proofs(&w, now)}
		fresh := authn.CanSpend(ses.StepUp, now)
		out.Proven = fresh && contains(out.Proofs, ses.StepUp.Device)
		out.Other = fresh && !out.Proven
		return nil
	})
	return out, err
}

func contains(devices []factors.Device, id factors.DeviceID) bool {
	return slices.ContainsFunc(devices, func(d factors.Device) bool { return d.ID == id })
}

// Answer is the stored result of Confirm.
type Answer struct {
	Confirmed bool
	Left      int // wrong digits that remain; 0: the handover has ended
}

// Confirm records that the witness of a session saw the user: digits are those on the page of the user. It uses up the step-up of the
// session if they are right. The third wrong digits end the handover, and the user and the managers get an email.
//
// Confirm returns NotFound if the user of the session is not asked, StepUpRequired without a step-up by one of Question.Proofs that no
// handover used, Forbidden with ReasonWitness if the user cannot be a witness any more, Invalid for a text that is not two digits, which is
// not counted, and SameProvenance if the administrator or the witness may know the password of that sign-in.
func (s *Service) Confirm(ctx context.Context, req account.RequestInfo, session secret.Value, id, digits string) (Answer, error) {
	digits = strings.Join(strings.Fields(digits), "")
	if len(digits) != 2 || strings.Trim(digits, "0123456789") != "" {
		return Answer{}, errcode.InvalidField("digits", "format")
	}
	op := s.accounts.NewOperation(req)
	type result struct {
		Answer
		ended *Handover
	}
	out, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (result, error) {
		rec, w, err := s.checkConfirm(tx, session, id)
		if err != nil {
			return result{}, err
		}
		key, err := s.signInWith(tx.Reader, &rec, digits, op.Now)
		switch {
		case err != nil:
			return result{}, err
		case key == "":
			a, err := s.countWrong(tx, rec, &w)
			if a.Left == 0 {
				return result{a, rec.Handover}, err
			}
			return result{Answer: a}, err
		}
		if _, _, err := s.signIn.SpendStepUp(tx, session); err != nil {
			return result{}, err
		}
		rec.SignIn, rec.Handover.State = key, StateConfirmed
		if err := s.forget(tx, rec.Handover); err != nil {
			return result{}, err
		}
		if err := tx.Audit(event(actor(&w), audit.HandoverConfirmed, audit.Success, rec.Handover)); err != nil {
			return result{}, err
		}
		return result{Answer: Answer{Confirmed: true}}, s.save(tx, rec.Handover.User, rec)
	})
	if err != nil || out.ended == nil {
		return out.Answer, err
	}
	return out.Answer, s.notifyManagers(ctx, req, out.ended, op.Now, true)
}

// actor returns the witness as the actor of an event. The event is about another user, so it has no name.
func actor(w *account.User) audit.Actor { return audit.Actor{Type: audit.TypeUser, ID: string(w.ID)} }

// checkConfirm returns the record of a handover and its witness, if the session can confirm it.
func (s *Service) checkConfirm(tx *account.Tx, session secret.Value, id string) (record, account.User, error) {
	now := tx.Op.Now
	ses, w, err := s.sessions.Load(tx.Reader, session, now)
	if err != nil {
		return record{}, w, err
	}
	rec, err := s.find(tx.Raw, id, now)
	switch {
	case err != nil:
		return rec, w, err
	case !rec.asks(w.ID, now):
		return rec, w, errcode.New(errcode.NotFound)
	case !authn.CanSpend(ses.StepUp, now) || !contains(s.proofs(&w, now), ses.StepUp.Device):
		return rec, w, errcode.New(errcode.StepUpRequired)
	}
	h, err := tx.User(rec.Handover.By)
	if err != nil {
		return rec, w, err
	}
	u, err := tx.User(rec.Handover.User)
	if err == nil {
		err = s.checkWitness(tx.Reader, now, &h, &u, &w)
	}
	return rec, w, err
}

// signInWith returns the key of the sign-in of the user that waits with these digits; "" if there is none.
func (s *Service) signInWith(r account.Reader, rec *record, digits string, now time.Time) (string, error) {
	i := slices.IndexFunc(rec.Waiting, func(w waiting) bool { return w.Digits == digits })
	if i < 0 {
		return "", nil
	}
	key := rec.Waiting[i].Key
	tr, u, err := s.signIn.WaitingTransaction(r, key, now)
	switch {
	case errcode.Of(err) == errcode.Expired, errcode.Of(err) == errcode.WrongState:
		return "", nil
	case err == nil && account.ShareProvenance(tr.Provenances(&u), []string{string(rec.Handover.By), string(rec.Handover.Witness)}):
		err = errcode.New(errcode.SameProvenance)
	}
	return key, err
}

// countWrong counts wrong digits. The last ones end the handover.
func (s *Service) countWrong(tx *account.Tx, rec record, w *account.User) (Answer, error) {
	h := rec.Handover
	rec.Wrong++
	e := event(actor(w), audit.HandoverRefused, audit.Failure, h)
	e.Reason = "digits"
	if rec.Wrong == maxWrong {
		e.Outcome = audit.Success // of the refusal, which no flood of others may hide
	}
	if err := tx.Audit(e); err != nil {
		return Answer{}, err
	}
	if rec.Wrong < maxWrong {
		return Answer{Left: maxWrong - rec.Wrong}, s.save(tx, h.User, rec)
	}
	return Answer{}, s.refuse(tx, rec, StateWrong)
}

// Refuse records that the user is not before the witness of a session, and ends the handover. It needs no step-up. The user and
// the managers get an email.
func (s *Service) Refuse(ctx context.Context, req account.RequestInfo, session secret.Value, id string) error {
	op := s.accounts.NewOperation(req)
	h, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (*Handover, error) {
		_, w, err := s.sessions.Load(tx.Reader, session, op.Now)
		if err != nil {
			return nil, err
		}
		rec, err := s.find(tx.Raw, id, op.Now)
		switch {
		case err != nil:
			return nil, err
		case !rec.asks(w.ID, op.Now):
			return nil, errcode.New(errcode.NotFound)
		}
		e := event(actor(&w), audit.HandoverRefused, audit.Success, rec.Handover)
		e.Reason = "witness"
		if err := tx.Audit(e); err != nil {
			return nil, err
		}
		return rec.Handover, s.refuse(tx, rec, StateRefused)
	})
	if err != nil {
		return err
	}
	return s.notifyManagers(ctx, req, h, op.Now, false)
}

// refuse ends a handover that its witness did not confirm, and notifies the user.
func (s *Service) refuse(tx *account.Tx, rec record, state State) error {
	h := rec.Handover
	u, err := tx.User(h.User)
	if err != nil {
		return err
	}
	m := notice.HandoverRefused{Context: tx.OfferFreeze(&u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now}), By: h.ByName, Witness: h.WitnessName, Wrong: state == StateWrong}
	if err := tx.Notify(&u, m, time.Time{}); err != nil {
		return err
	}
	tx.AddAdminActivity(&u, audit.HandoverRefused, "")
	if err := tx.Save(&u); err != nil {
		return err
	}
	return s.end(tx, rec, state)
}

// notifyManagers notifies the managers of the user's groups and support of a refused handover, as of a code on screen. A crash can
// lose these emails; the event and the email to the user are stored.
func (s *Service) notifyManagers(ctx context.Context, req account.RequestInfo, h *Handover, now time.Time, wrong bool) error {
	var u account.User
	if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = r.User(h.User)
		return err
	}); err != nil {
		return err
	}
	to, err := s.helpDesk.Admin.ResetRecipients(ctx, admin.Principal{Owner: string(h.By)}, &u, true)
	if err != nil {
		return err
	}
	return s.helpDesk.Admin.NotifyRemaining(ctx, req, func(name string) notice.Notice {
		return notice.HandoverRefused{Context: notice.Context{Name: name, At: now}, User: h.Name, By: h.ByName, Witness: h.WitnessName, Wrong: wrong}
	}, to)
}
