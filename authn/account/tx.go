package account

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
	"barillet/internal/errcode"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// Operation is one thing being done: when, from where, and a store of randomness drawn beforehand, so that an
// Update closure can run twice and come to the same ids (PROTOCOL 31).
type Operation struct {
	Now     time.Time
	Request RequestInfo
	// SendAfter is the time before which no email of the operation is sent. Zero means immediately.
	SendAfter time.Time
	seed      [32]byte
}

// NewOperation opens an act at the service's time.
func (s *Service) NewOperation(req RequestInfo) *Operation {
	op := &Operation{Now: s.Now().UTC(), Request: req}
	if req.APIToken != "" {
		op.Request.Browser = secret.Value{} // no program is a known browser (PROTOCOL 25)
	}
	op.Request.Agent = cutUserAgent(req.Agent)
	rand.Read(op.seed[:])
	return op
}

// draw gives 32 bytes that depend on the act and the label alone.
func (op *Operation) draw(label string, n uint64) []byte {
	m := hmac.New(sha256.New, op.seed[:])
	m.Write(binary.BigEndian.AppendUint64(nil, n))
	m.Write([]byte(label))
	return m.Sum(nil)
}

// Secret is a bearer value of 256 bits, the same whenever this act asks for it by this label.
func (op *Operation) Secret(label string) secret.Value {
	return secret.From(base64.RawURLEncoding.EncodeToString(op.draw("secret "+label, 0)))
}

// ID is a record id of 128 bits, the same whenever this act asks for it by this label.
func (op *Operation) ID(label string) string {
	return strings.ToLower(idEncoding.EncodeToString(op.draw("id "+label, 0)[:16]))
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Code is a short code: eight characters of Crockford's base32 in two groups, 40 bits (PROTOCOL 7).
func (op *Operation) Code(label string) secret.Value {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := op.draw("code "+label, 0)
	out := make([]byte, 0, 9)
	for i := range 8 {
		if i == 4 {
			out = append(out, '-')
		}
		out = append(out, crockford[b[i]&31])
	}
	return secret.From(string(out))
}

// Reader reads the house's people within one snapshot or one change.
type Reader struct {
	s   *Service
	Raw store.Reader
}

// User loads a person; NotFound when there is none.
func (r Reader) User(id UserID) (User, error) {
	return r.UserCached(id, &store.Cached[User]{})
}

// UserCached is User for one that was probably read before.
func (r Reader) UserCached(id UserID, kept *store.Cached[User]) (User, error) {
	u, err := r.s.users.GetCached(r.Raw, string(id), kept)
	u.stored = u.Summarize()
	u.stored.Groups = slices.Clone(u.Groups) // whatever becomes of the person's own list
	return u, missing(err, "user", string(id))
}

// UserByAddress loads whoever has the address as login or address.
func (r Reader) UserByAddress(normalised string) (User, error) {
	id, err := r.s.addresses.Get(r.Raw, store.Escape(normalised))
	if err != nil {
		return User{}, missing(err, "address", "")
	}
	return r.User(id)
}

// Group loads a garage; NotFound when there is none, or no longer.
func (r Reader) Group(id GroupID) (Group, error) {
	g, err := r.s.groups.Get(r.Raw, string(id))
	if err == nil && !g.Deleted.IsZero() {
		return Group{}, errcode.New(errcode.NotFound)
	}
	return g, missing(err, "group", string(id))
}

// missing turns the store's not-found into the domain's and says of other errors what was being done.
func missing(err error, what, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return errcode.New(errcode.NotFound)
	}
	return fmt.Errorf("loading %s %q: %w", what, id, err)
}

// Tx is one change under way: a Reader with its Tx, the act that causes it, and what the act writes
// besides: events and mails, in the same Update (BAR D2).
type Tx struct {
	Reader
	Raw store.Tx
	Op  *Operation
	n   uint64

	result any // for Also
}

// Update makes one change. fn may run more than once and touches nothing but its Work; the result is that of the
// run which was committed. The mail sender is woken afterwards.
func Update[T any](ctx context.Context, s *Service, op *Operation, fn func(w *Tx) (T, error)) (T, error) {
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (T, error) {
		w := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op}
		out, err := fn(w)
		if err == nil {
			err = w.runTxHook(ctx, out)
		}
		return out, err
	})
	if err == nil && s.Wake != nil {
		s.Wake()
	}
	return out, err
}

// NewRecordID is the id of one more row that is kept in the order of time: the time, then 80 bits. A run that is
// repeated gives its rows the same ids.
func (tx *Tx) NewRecordID(label string) string {
	tx.n++
	return tx.Op.Now.Format(store.TimeLayout) + "-" + strings.ToLower(idEncoding.EncodeToString(tx.Op.draw("row "+label, tx.n)[:10]))
}

// Audit appends an event; time, address, agent and request are the act's own.
func (tx *Tx) Audit(e audit.Event) error {
	e.Request, e.Address, e.Agent = tx.Op.Request.RequestID, tx.Op.Request.ClientAddress(), tx.Op.Request.Agent
	if program := tx.Op.Request.APIToken; program != "" {
		e.Detail = maps.Clone(e.Detail)
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail["program"] = program
	}
	if err := tx.s.Log.Append(tx.Raw, tx.NewRecordID("audit"), e); err != nil {
		return fmt.Errorf("writing audit event %s: %w", e.Action, err)
	}
	return nil
}

// AuditUser appends an event of the person themselves about themselves.
func (tx *Tx) AuditUser(u *User, action, outcome, reason string) error {
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: outcome, Reason: reason})
}

// About is the part that every mail to a person has: whom it greets, when, from which browser and address.
func (tx *Tx) About(u *User) notice.Context {
	return notice.Context{Name: u.DisplayName(), At: tx.Op.Now, Browser: DescribeUserAgent(tx.Op.Request.Agent),
		Address: tx.Op.Request.ClientAddress()}
}

// Notify queues a notice of a completed act to the person's addresses, in their language. It is never dropped:
// beyond ten an hour notices are held back for a while and joined (PROTOCOL 18).
func (tx *Tx) Notify(u *User, m notice.Notice, uselessAfter time.Time) error {
	v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.NoticeMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting notices: %w", err)
	}
	row := mail.Message{Lang: tx.s.Locale(u), ExpiresAt: uselessAfter}
	if !v.OK {
		row.NotBefore, row.Notice, row.Key = tx.Op.Now.Add(mail.DigestDelay), true, string(u.ID)
	}
	return tx.queue(u.Addresses(), m, row)
}

// SendTo queues one mail to each address by itself, so that none learns of another. uselessAfter zero: never.
func (tx *Tx) SendTo(addresses []string, locale string, m notice.Notice, uselessAfter time.Time) error {
	return tx.queue(addresses, m, mail.Message{Lang: locale, ExpiresAt: uselessAfter})
}

func (tx *Tx) queue(addresses []string, m notice.Notice, row mail.Message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("composing mail %s: %w", m.Name(), err)
	}
	row.Template, row.Data, row.Queued = m.Name(), data, tx.Op.Now
	if row.NotBefore.IsZero() {
		row.NotBefore = tx.Op.SendAfter
	}
	for _, to := range addresses {
		if to == "" { // a shadow's
			continue
		}
		row.To = []string{to}
		if err := tx.s.Outbox.Queue(tx.Raw, tx.NewRecordID("mail"), row); err != nil {
			return fmt.Errorf("queueing mail %s: %w", row.Template, err)
		}
	}
	return nil
}

// AddActivity adds an act to what the person sees on their own page; action is one of the audit log's.
func (tx *Tx) AddActivity(u *User, action, detail string) {
	tx.addOwnActivity(u, Activity{What: action, Detail: detail})
}

// AddAdminActivity is Remember for what somebody else did: their browser and address are not the person's to know.
func (tx *Tx) AddAdminActivity(u *User, action, detail string) {
	tx.appendActivity(u, Activity{What: action, Detail: detail})
}

// AddFailedActivity adds an act that was tried and refused.
func (tx *Tx) AddFailedActivity(u *User, action string) {
	tx.addOwnActivity(u, Activity{What: action, Failed: true})
}

func (tx *Tx) addOwnActivity(u *User, r Activity) {
	r.Address, r.Agent = tx.Op.Request.ClientAddress(), tx.Op.Request.Agent
	tx.appendActivity(u, r)
}

func (tx *Tx) appendActivity(u *User, r Activity) {
	r.At = tx.Op.Now
	u.Activity = append(slices.Clone(u.Activity), r)
	for len(u.Activity) > maxActivity {
		u.Activity = dropOldest(u.Activity, tx.Op.Now)
	}
}

// Save stores a person that was loaded in this run, with everything derived from them.
func (tx *Tx) Save(u *User) error {
	u.Revision++
	u.Changed = tx.Op.Now
	if err := tx.s.users.Put(tx.Raw, string(u.ID), *u); err != nil {
		return fmt.Errorf("storing user %q: %w", u.ID, err)
	}
	if st := u.Summarize(); !st.equal(&u.stored) { // a sign-in changes nothing of it: one page less to sync
		if err := tx.s.summaries.Put(tx.Raw, string(u.ID), st); err != nil {
			return fmt.Errorf("storing standing of %q: %w", u.ID, err)
		}
		u.stored = st
	}
	return nil
}

// NotifyLimited queues a mail that a stranger can cause, unless the person got enough of those (BAR S8).
func (tx *Tx) NotifyLimited(u *User, m notice.Notice) error {
	v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnauthenticatedMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting mails that strangers cause: %w", err)
	}
	if !v.OK {
		return nil
	}
	return tx.Notify(u, m, time.Time{})
}
