package helpdesk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"barillet/authn/account"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/throttle"
	"barillet/store"
)

const (
	maxWaiting    = 10_000 // open requests that are counted for support
	countInterval = time.Minute
)

// waitingCount is the number of open requests. It is safe for concurrent use.
type waitingCount struct {
	mu sync.Mutex
	at time.Time
	n  int
}

// countWaiting returns the number of open requests if support is to get it, or 0. It counts them once a minute. An Update cannot
// list records, so they are counted before.
func (s *Service) countWaiting(ctx context.Context, now time.Time) (int, error) {
	w := &s.waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	n, counted := 0, false
	err := s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		n, counted = 0, false
		mails, err := s.accounts.Limiter.Peek(snap, now, throttle.SupportMails, everyone)
		if err != nil || mails.OK {
			return err
		}
		digest, err := s.accounts.Limiter.Peek(snap, now, throttle.SupportDigests, everyone)
		if err != nil || !digest.OK {
			return err
		}
		if age := now.Sub(w.at); age >= 0 && age < countInterval {
			n = w.n
			return nil
		}
		counted = true
		return s.requests.Scan(snap, openPrefix, "", maxWaiting, func(string, Request) error {
			n++
			return nil
		})
	})
	if err != nil {
		return 0, fmt.Errorf("counting open help requests: %w", err)
	}
	if counted {
		w.at, w.n = now, n
	}
	return n, nil
}

// everyone is the subject of a limit of the whole service.
const everyone = "all"

// notifySupport sends a submission to support. If there are too many for one email each, it sends their number once an hour.
func (s *Service) notifySupport(tx *account.Tx, q checkedSubmission, u *account.User, t Text, joined *Request) error {
	support := s.accounts.Policy.Support()
	if support == "" {
		return nil
	}
	ok, err := s.takeFirst(tx, t.Trusted())
	if err != nil {
		return err
	}
	var m notice.Notice = notice.HelpWaiting{Context: notice.Context{At: tx.Op.Now}, Count: q.waiting}
	switch {
	case ok:
		if m, err = s.forSupport(tx, q, u, t, joined); err != nil {
			return err
		}
	case q.waiting == 0:
		return nil
	default:
		v, err := s.accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.SupportDigests, everyone)
		if err != nil || !v.OK {
			return err
		}
	}
	return tx.SendTo(nil, []string{support}, m, time.Time{})
}

// takeFirst counts an email to support. A part of the limit is reserved for trusted texts.
func (s *Service) takeFirst(tx *account.Tx, trusted bool) (bool, error) {
	limits := []throttle.Limit{throttle.SupportMails}
	if trusted {
		limits = append(limits, throttle.TrustedSupportMails)
	}
	for _, limit := range limits {
		v, err := s.accounts.Limiter.Take(tx.Raw, tx.Op.Now, limit, everyone)
		if err != nil || v.OK {
			return v.OK, err
		}
	}
	return false, nil
}

// forSupport returns the email about a submission.
func (s *Service) forSupport(tx *account.Tx, q checkedSubmission, u *account.User, t Text, joined *Request) (notice.Notice, error) {
	m := notice.HelpForSupport{Context: notice.Context{At: tx.Op.Now, Browser: input.DescribeUserAgent(tx.Op.Request.Agent), Address: t.Address},
		Reference: t.Reference, From: q.address, KnownUser: u.ID != "", Topic: q.topic, Message: q.message, PasswordProven: t.PasswordProven,
		KnownBrowser: t.KnownBrowser}
	if joined != nil {
		m.Open = joined.Reference
	}
	if u.ID == "" {
		return m, nil
	}
	m.User, m.Number = u.DisplayName(), numberOnFile(u, tx.Op.Now)
	if len(u.Groups) == 0 {
		return m, nil
	}
	var err error
	m.Group, err = groupName(tx, u.Groups[0])
	return m, err
}
