package authn

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/templates"
)

// Act is one thing being done: when, from where, and a store of randomness drawn beforehand, so that an
// Update closure can run twice and come to the same ids (PROTOCOL 31).
type Act struct {
	Now  time.Time
	From Origin
	// SendAfter is the time before which no email of the operation is sent. Zero means immediately.
	SendAfter time.Time
	seed      [32]byte
}

// NewAct opens an act at the service's time.
func (s *Service) NewAct(from Origin) *Act {
	a := &Act{Now: s.Now().UTC(), From: from}
	if from.Program != "" {
		a.From.Browser = Secret{} // no program is a known browser (PROTOCOL 25)
	}
	a.From.Agent = plainAgent(from.Agent)
	rand.Read(a.seed[:])
	return a
}

// draw gives 32 bytes that depend on the act and the label alone.
func (a *Act) draw(label string, n uint64) []byte {
	m := hmac.New(sha256.New, a.seed[:])
	m.Write(binary.BigEndian.AppendUint64(nil, n))
	m.Write([]byte(label))
	return m.Sum(nil)
}

// Secret is a bearer value of 256 bits, the same whenever this act asks for it by this label.
func (a *Act) Secret(label string) Secret {
	return SecretOf(base64.RawURLEncoding.EncodeToString(a.draw("secret "+label, 0)))
}

// ID is a record id of 128 bits, the same whenever this act asks for it by this label.
func (a *Act) ID(label string) string {
	return strings.ToLower(idCoding.EncodeToString(a.draw("id "+label, 0)[:16]))
}

var idCoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Code is a short code: eight characters of Crockford's base32 in two groups, 40 bits (PROTOCOL 7).
func (a *Act) Code(label string) Secret {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := a.draw("code "+label, 0)
	out := make([]byte, 0, 9)
	for i := range 8 {
		if i == 4 {
			out = append(out, '-')
		}
		out = append(out, crockford[b[i]&31])
	}
	return SecretOf(string(out))
}

// Reader reads the house's people within one snapshot or one change.
type Reader struct {
	s *Service
	r store.Reader
}

// User loads a person; CodeNotFound when there is none.
func (r Reader) User(id UserID) (User, error) {
	return r.userKept(id, &store.Kept[User]{})
}

// userKept is User for one that was probably read before.
func (r Reader) userKept(id UserID, kept *store.Kept[User]) (User, error) {
	u, err := r.s.users.GetKept(r.r, string(id), kept)
	u.stands = u.standing()
	u.stands.Groups = slices.Clone(u.Groups) // whatever becomes of the person's own list
	return u, missing(err, "user", string(id))
}

// UserByAddress loads whoever has the address as login or address.
func (r Reader) UserByAddress(normalised string) (User, error) {
	id, err := r.s.addresses.Get(r.r, store.Escape(normalised))
	if err != nil {
		return User{}, missing(err, "address", "")
	}
	return r.User(id)
}

// Group loads a garage; CodeNotFound when there is none, or no longer.
func (r Reader) Group(id GroupID) (Group, error) {
	g, err := r.s.groups.Get(r.r, string(id))
	if err == nil && !g.Deleted.IsZero() {
		return Group{}, Refuse(CodeNotFound)
	}
	return g, missing(err, "group", string(id))
}

// missing turns the store's not-found into the domain's and says of other errors what was being done.
func missing(err error, what, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return Refuse(CodeNotFound)
	}
	return fmt.Errorf("loading %s %q: %w", what, id, err)
}

// Work is one change under way: a Reader with its Tx, the act that causes it, and what the act writes
// besides: events and mails, in the same Update (BAR D2).
type Work struct {
	Reader
	Tx  store.Tx
	Act *Act
	n   uint64

	outcome any // for Also
}

// Do makes one change. fn may run more than once and touches nothing but its Work; the result is that of the
// run which was committed. The mail sender is woken afterwards.
func Do[T any](ctx context.Context, s *Service, a *Act, fn func(w *Work) (T, error)) (T, error) {
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (T, error) {
		w := &Work{Reader: Reader{s, tx}, Tx: tx, Act: a}
		out, err := fn(w)
		if err == nil {
			err = w.also(ctx, out)
		}
		return out, err
	})
	if err == nil && s.Kick != nil {
		s.Kick()
	}
	return out, err
}

// RowID is the id of one more row that is kept in the order of time: the time, then 80 bits. A run that is
// repeated gives its rows the same ids.
func (w *Work) RowID(label string) string {
	w.n++
	return w.Act.Now.Format(rowStamp) + "-" + strings.ToLower(idCoding.EncodeToString(w.Act.draw("row "+label, w.n)[:10]))
}

const rowStamp = "20060102T150405.000000000Z"

// Audit appends an event; time, address, agent and request are the act's own.
func (w *Work) Audit(e audit.Event) error {
	e.Request, e.Address, e.Agent = w.Act.From.Request, w.Act.From.address(), w.Act.From.Agent
	if program := w.Act.From.Program; program != "" {
		e.Detail = maps.Clone(e.Detail)
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail["program"] = program
	}
	if err := w.s.Log.Append(w.Tx, w.RowID("audit"), e); err != nil {
		return fmt.Errorf("writing audit event %s: %w", e.Action, err)
	}
	return nil
}

// AuditUser appends an event of the person themselves about themselves.
func (w *Work) AuditUser(u *User, action, outcome, reason string) error {
	return w.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: outcome, Reason: reason})
}

// About is the part that every mail to a person has: whom it greets, when, from which browser and address.
func (w *Work) About(u *User) templates.About {
	return templates.About{Name: u.DisplayName(), At: w.Act.Now, Browser: BrowserName(w.Act.From.Agent),
		Address: w.Act.From.address()}
}

// Post queues a notice of a completed act to the person's addresses, in their language. It is never dropped:
// beyond ten an hour notices are held back for a while and joined (PROTOCOL 18).
func (w *Work) Post(u *User, m templates.Mail, uselessAfter time.Time) error {
	v, err := w.s.Limiter.Take(w.Tx, w.Act.Now, throttle.NoticeMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting notices: %w", err)
	}
	row := mail.Row{Lang: w.s.Locale(u), UselessAfter: uselessAfter}
	if !v.OK {
		row.NotBefore, row.Notice, row.Key = w.Act.Now.Add(mail.HoldFor), true, string(u.ID)
	}
	return w.queue(u.Addresses(), m, row)
}

// PostTo queues one mail to each address by itself, so that none learns of another. uselessAfter zero: never.
func (w *Work) PostTo(addresses []string, locale string, m templates.Mail, uselessAfter time.Time) error {
	return w.queue(addresses, m, mail.Row{Lang: locale, UselessAfter: uselessAfter})
}

func (w *Work) queue(addresses []string, m templates.Mail, row mail.Row) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("composing mail %s: %w", templates.MailName(m), err)
	}
	row.Template, row.Data, row.Queued = templates.MailName(m), data, w.Act.Now
	if row.NotBefore.IsZero() {
		row.NotBefore = w.Act.SendAfter
	}
	for _, to := range addresses {
		if to == "" { // a shadow's
			continue
		}
		row.To = []string{to}
		if err := w.s.Outbox.Queue(w.Tx, w.RowID("mail"), row); err != nil {
			return fmt.Errorf("queueing mail %s: %w", row.Template, err)
		}
	}
	return nil
}

// Remember adds an act to what the person sees on their own page; action is one of the audit log's.
func (w *Work) Remember(u *User, action, detail string) {
	w.remember(u, Recent{What: action, Detail: detail})
}

// RememberDone is Remember for what somebody else did: their browser and address are not the person's to know.
func (w *Work) RememberDone(u *User, action, detail string) {
	w.recall(u, Recent{What: action, Detail: detail})
}

// RememberFailed adds an act that was tried and refused.
func (w *Work) RememberFailed(u *User, action string) {
	w.remember(u, Recent{What: action, Failed: true})
}

func (w *Work) remember(u *User, r Recent) {
	r.Address, r.Agent = w.Act.From.address(), w.Act.From.Agent
	w.recall(u, r)
}

func (w *Work) recall(u *User, r Recent) {
	r.At = w.Act.Now
	u.Recent = append(slices.Clone(u.Recent), r)
	for len(u.Recent) > maxRecent {
		u.Recent = forget(u.Recent, w.Act.Now)
	}
}

// Save stores a person that was loaded in this run, with everything derived from them.
func (w *Work) Save(u *User) error {
	u.Rev++
	u.Changed = w.Act.Now
	if err := w.s.users.Put(w.Tx, string(u.ID), *u); err != nil {
		return fmt.Errorf("storing user %q: %w", u.ID, err)
	}
	if st := u.standing(); !st.equal(&u.stands) { // a sign-in changes nothing of it: one page less to sync
		if err := w.s.standings.Put(w.Tx, string(u.ID), st); err != nil {
			return fmt.Errorf("storing standing of %q: %w", u.ID, err)
		}
		u.stands = st
	}
	return nil
}
