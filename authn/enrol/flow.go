package enrol

import (
	"context"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// Flow is the place of an enrolment: a transaction that holds an invitation or ticket, or a session with a step-up.
// Exactly one field is set.
type Flow struct {
	Transaction secret.Value
	Session     secret.Value
}

// loadFlow is a flow as read in one View or Update.
type flowState struct {
	transaction *authn.Transaction
	session     *account.Session
	user        account.User
	pending     *account.PendingEnrolment
}

// loadFlow loads a flow and checks that it permits the enrolment. It returns StepUpRequired, Forbidden, Expired or
// NoSession.
func (s *Service) loadFlow(r account.Reader, flow Flow, now time.Time, replaces bool) (flowState, error) {
	if flow.Session.IsZero() {
		tr, u, step, err := s.SignIn.LoadTransaction(r, flow.Transaction, now)
		if err != nil {
			return flowState{}, err
		}
		if step != authn.StepEnrol || replaces {
			return flowState{}, errcode.New(errcode.Forbidden)
		}
		return flowState{transaction: &tr, user: u, pending: tr.Enrol}, nil
	}
	ses, u, err := s.Sessions.Load(r, flow.Session, now)
	if err != nil {
		return flowState{}, err
	}
	// A pending enrolment needs no new step-up: it ends within account.EnrolmentTTL.
	pending := ses.Enrol != nil && now.Before(ses.Enrol.Expires) && (ses.Enrol.Replace != "") == replaces
	if !pending && (!ses.StepUp.Fresh(now) || replaces && ses.StepUp.EnrolOnly) {
		return flowState{}, errcode.New(errcode.StepUpRequired)
	}
	return flowState{session: &ses, user: u, pending: ses.Enrol}, nil
}

// storeFlow stores the changed enrolment of a flow.
func (s *Service) storeFlow(tx *account.Tx, st flowState, flow Flow) error {
	if st.transaction != nil {
		st.transaction.Enrol = st.pending
		return s.SignIn.PutTransaction(tx, flow.Transaction, *st.transaction)
	}
	st.session.Enrol = st.pending
	return s.Sessions.Put(tx, flow.Session, *st.session)
}

// CheckAllowed returns nil if the flow permits an enrolment, else StepUpRequired, Forbidden, Expired or NoSession.
func (s *Service) CheckAllowed(ctx context.Context, flow Flow) error {
	return s.Accounts.View(ctx, func(r account.Reader) error {
		_, err := s.loadFlow(r, flow, s.Accounts.Now(), false)
		return err
	})
}

// loadNewFlow is loadFlow for a new enrolment. The step-up of a pending enrolment does not count for another
// one.
func (s *Service) loadNewFlow(r account.Reader, flow Flow, now time.Time, replaces bool) (flowState, error) {
	st, err := s.loadFlow(r, flow, now, replaces)
	if err == nil && st.session != nil && (!st.session.StepUp.Fresh(now) || replaces && st.session.StepUp.EnrolOnly) {
		err = errcode.New(errcode.StepUpRequired)
	}
	return st, err
}

// Pending returns the pending enrolment of the flow, to show its page again. It returns Expired if there is none.
func (s *Service) Pending(ctx context.Context, flow Flow) (account.PendingEnrolment, error) {
	now := s.Accounts.Now()
	var out account.PendingEnrolment
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		st, err := s.loadPendingFlow(r, flow, now)
		if err != nil {
			return err
		}
		out = *st.pending.ForDisplay(now)
		return nil
	})
	return out, err
}

// loadPendingFlow returns the state of a flow with a pending enrolment.
func (s *Service) loadPendingFlow(r account.Reader, flow Flow, now time.Time) (flowState, error) {
	st, err := s.loadFlow(r, flow, now, false)
	if err != nil && !flow.Session.IsZero() {
		st, err = s.loadFlow(r, flow, now, true)
	}
	if err == nil && st.pending.ForDisplay(now) == nil {
		err = errcode.New(errcode.Expired)
	}
	return st, err
}
