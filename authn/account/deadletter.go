package account

import (
	"hash/fnv"
	"strconv"
	"time"

	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/mail"
	"barillet/store"
)

// OnDeadLetter is mail.Sender.Died: it writes into the log that a mail was given up, in the Update in which it is. Of the
// mail it tells what a dead letter tells: template, recipient, times and error, never text, link or code.
func (s *Service) OnDeadLetter() func(tx store.Tx, m mail.MessageInfo) error {
	op := s.NewOperation(RequestInfo{})
	return func(tx store.Tx, m mail.MessageInfo) error {
		of := fnv.New64a() // several mails may be given up by one act, each with an event of its own
		of.Write([]byte(m.ID))
		w := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op, n: of.Sum64()}
		e := audit.Event{Actor: audit.Actor{Type: audit.TypeSystem, Name: "barillet"}, Action: audit.MailFailed, Outcome: audit.Failure,
			Reason: "undeliverable", Targets: []audit.Actor{{Type: audit.TypeMail, ID: m.ID, Name: m.Template}},
			Detail: map[string]string{"to": m.To, "error": m.LastError, "attempts": strconv.Itoa(m.Attempts),
				"queued": m.Queued.UTC().Format(time.RFC3339)}}
		if !m.UselessAfter.IsZero() && !m.UselessAfter.After(m.Died) {
			e.Reason = "too_late"
		}
		u, err := w.UserByAddress(m.To)
		switch {
		case err == nil:
			e.Subject, e.SubjectName = string(u.ID), u.Login
		case errcode.Of(err) != errcode.NotFound: // support has no account
			return err
		}
		return w.Audit(e)
	}
}
