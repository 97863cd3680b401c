package handover

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// Waiting is what the page of a sign-in that waits shows.
type Waiting struct {
	Digits  secret.Value // two, for the witness alone; zero: the sign-in does not wait
	Step    authn.Step   // with StepTicket a code can be typed
	Witness string       // name of the witness who is asked or has confirmed; "": none yet
}

// Wait makes a sign-in whose password is proven wait for a code, and gives it ten more minutes. It draws two digits that no other
// sign-in of the user has. A sign-in that waits keeps its digits. Wait returns WrongState if a code cannot be handed over for this
// sign-in, and RateLimited if too many of the user's wait. It reveals nothing about the account.
func (s *Service) Wait(ctx context.Context, req account.RequestInfo, transaction secret.Value) error {
	op := s.accounts.NewOperation(req)
	_, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (struct{}, error) {
		key := authn.TransactionKey(transaction)
		tr, u, err := s.signIn.WaitingTransaction(tx.Reader, key, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		rec, err := s.load(tx.Raw, u.ID, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		if rec.waits(key) >= 0 {
			return struct{}{}, nil
		}
		if len(rec.Waiting) >= maxWaiting {
			return struct{}{}, errcode.RateLimit(rec.Waiting[0].Until.Sub(op.Now))
		}
		if err := s.signIn.ExtendWaiting(tx, key, &tr); err != nil {
			return struct{}{}, err
		}
		rec.Waiting = append(rec.Waiting, waiting{Key: key, Digits: rec.freeDigits(op), At: op.Now, Until: tr.Expires})
		return struct{}{}, s.save(tx, u.ID, rec)
	})
	return err
}

// waits returns the index of the sign-in with a key, or -1.
func (r *record) waits(key string) int {
	return slices.IndexFunc(r.Waiting, func(w waiting) bool { return w.Key == key })
}

// freeDigits draws two digits that no sign-in of the record has.
func (r *record) freeDigits(op *account.Operation) string {
	var free []string
	for n := range 100 {
		digits := fmt.Sprintf("%02d", n)
		if !slices.ContainsFunc(r.Waiting, func(w waiting) bool { return w.Digits == digits }) {
			free = append(free, digits)
		}
	}
	h := fnv.New64a()
	h.Write([]byte(op.ID("handover digits")))
	return free[h.Sum64()%uint64(len(free))]
}

// Waiting returns what the page of a sign-in shows. It returns Expired without a sign-in, and WrongState if no code can be handed over
// for it.
func (s *Service) Waiting(ctx context.Context, transaction secret.Value) (out Waiting, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		out = Waiting{}
		key := authn.TransactionKey(transaction)
		tr, u, err := s.signIn.WaitingTransaction(r, key, now)
		if err != nil {
			return err
		}
		out.Step = s.signIn.Next(&tr, &u, now)
		rec, err := s.load(r.Raw, u.ID, now)
		if err != nil {
			return err
		}
		if i := rec.waits(key); i >= 0 {
			out.Digits = secret.From(rec.Waiting[i].Digits)
		}
		if rec.Handover.live(now) {
			out.Witness = rec.Handover.WitnessName
		}
		return nil
	})
	return out, err
}

// anyWaits reports whether a sign-in of the record can get a code at now.
func (s *Service) anyWaits(r account.Reader, rec *record, now time.Time) (bool, error) {
	for _, w := range rec.Waiting {
		switch _, _, err := s.signIn.WaitingTransaction(r, w.Key, now); errcode.Of(err) {
		case errcode.Expired, errcode.WrongState:
		default:
			return err == nil, err
		}
	}
	return false, nil
}
