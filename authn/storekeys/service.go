package storekeys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
	"barillet/store/rootkeys"
)

// The kinds of keys.
const (
	Master   = "master"
	Data     = "data"
	Password = "password-pepper"
	Index    = "index"
)

// Kinds are the kinds that Rotate knows.
var Kinds = []string{Data, Master, Password}

// Config has the dependencies of a Service. All are required.
type Config struct {
	Accounts *account.Service
	Ring     *store.Keyring
	Keys     store.RootKeys // those that opened the store
	Root     rootkeys.Source
	Log      *slog.Logger
}

// Service rotates keys. One process has one Service. It is safe for concurrent use.
type Service struct {
	Config
	mu   sync.Mutex // held by the one that changes keys
	now  sync.RWMutex
	keys store.RootKeys
}

// New returns a Service, and makes the hasher of passwords use the peppers of the key file.
func New(c Config) (*Service, error) {
	return &Service{Config: c, keys: c.Keys}, c.Accounts.Hasher.UsePeppers(c.Keys.PasswordPeppers())
}

// Current returns the root keys.
func (s *Service) Current() store.RootKeys {
	s.now.RLock()
	defer s.now.RUnlock()
	return s.keys
}

// By is who changes a key.
type By struct {
	Request account.RequestInfo
	Actor   audit.Actor
}

var system = By{Actor: audit.System}

// mayChange returns an error unless p is the operator: a key file is on the host, and an API token can be stolen from elsewhere.
func mayChange(p admin.Principal) error {
	if err := p.RequireUnscoped(admin.PermConfigure); err != nil {
		return err
	}
	if !p.Operator {
		return errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	}
	return nil
}

// Rotate makes a new key of a kind. With leaked, the old master key or pepper is removed at once: backups of before then need the old key
// file, and no password verifies until it is chosen anew.
func (s *Service) Rotate(ctx context.Context, p admin.Principal, req account.RequestInfo, kind string, leaked bool) error {
	if err := mayChange(p); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	by, keys := By{req, p.Actor()}, s.Current()
	if kind != Data && keys.IsFull() {
		return errcode.WrongStateFor(errcode.ReasonKeysReplaced)
	}
	switch kind {
	case Data:
		return s.rotateData(ctx, by)
	case Master:
		if err := s.replace(keys.WithNewMaster(s.Accounts.Now())); err != nil {
			return err
		}
		if err := s.follow(ctx, by); err != nil || !leaked {
			return err
		}
		return s.forgetMasters()
	case Password:
		if err := s.replace(keys.WithNewPasswordPepper(s.Accounts.Now(), leaked)); err != nil {
			return err
		}
		return s.follow(ctx, by)
	}
	return errcode.InvalidField("kind", "unknown")
}

func (s *Service) rotateData(ctx context.Context, by By) error {
	op := s.Accounts.NewOperation(by.Request)
	err := s.Ring.RotateDataKey(ctx, s.Accounts.Store, s.Current(), op.Now, func(change func(store.Tx) error) error {
		return s.update(ctx, op, change, s.event(by, audit.KeyRotated, map[string]string{"kind": Data}))
	})
	if errors.Is(err, store.ErrRotating) {
		return errcode.WrongStateFor(errcode.ReasonKeysReplaced)
	}
	return err
}

// replace stores keys in the key file, and uses them.
func (s *Service) replace(keys store.RootKeys) error {
	if s.Root.Fixed() {
		return errcode.WrongStateFor(errcode.ReasonKeysFixed)
	}
	if err := s.Root.Replace(keys); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	s.now.Lock()
	s.keys = keys
	s.now.Unlock()
	return s.Accounts.Hasher.UsePeppers(keys.PasswordPeppers())
}

// forgetMasters removes all older master keys from the key file.
func (s *Service) forgetMasters() error {
	keys := s.Current()
	for _, k := range keys.OlderMasters() {
		keys, _ = keys.Without(k.ID())
	}
	return s.replace(keys)
}

// Forget removes an older master key or pepper from the key file. Passwords whose hashes name the pepper must then be chosen anew.
func (s *Service) Forget(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	if err := mayChange(p); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next, found := s.Current().Without(id)
	if !found {
		return errcode.New(errcode.NotFound)
	}
	if err := s.follow(ctx, By{req, p.Actor()}); err != nil { // the store may still need it
		return err
	}
	if err := s.replace(next); err != nil {
		return err
	}
	op := s.Accounts.NewOperation(req)
	return s.update(ctx, op, nil, s.event(By{req, p.Actor()}, audit.KeyWithdrawn, map[string]string{"key": id}))
}

// follow makes the store follow the key file, if it does not yet.
func (s *Service) follow(ctx context.Context, by By) error {
	keys := s.Current()
	var outdated store.Outdated
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		outdated, err = store.OutdatedKeys(snap, keys)
		return err
	})
	if err != nil || outdated == (store.Outdated{}) {
		return err
	}
	var events []audit.Event
	if outdated.Master {
		events = append(events, s.event(by, audit.KeyRotated, map[string]string{"kind": Master, "key": keys.Master.ID()}))
	}
	if outdated.Passwords {
		events = append(events, s.event(by, audit.KeyRotated, map[string]string{"kind": Password, "key": keys.PasswordPeppers()[0].ID()}))
	}
	op := s.Accounts.NewOperation(by.Request)
	return s.Ring.Follow(keys, op.Now, func(change func(store.Tx) error) error { return s.update(ctx, op, change, events...) })
}

func (s *Service) event(by By, action string, detail map[string]string) audit.Event {
	return audit.Event{Actor: by.Actor, Action: action, Outcome: audit.Success, Detail: detail}
}

// update makes a change and its events in one Update. change may be nil.
func (s *Service) update(ctx context.Context, op *account.Operation, change func(store.Tx) error, events ...audit.Event) error {
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		if change != nil {
			if err := change(tx.Raw); err != nil {
				return struct{}{}, err
			}
		}
		for _, e := range events {
			if err := tx.Audit(e); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

const (
	runInterval = time.Second
	resealPause = 10 * time.Millisecond // after each 64 records: at most some 5,000 a second
)

// Run makes the store follow the key file, and seals the records of replaced data keys again, until ctx ends. It logs errors, one a
// minute, and continues.
func (s *Service) Run(ctx context.Context) error {
	ticks := time.NewTicker(runInterval)
	defer ticks.Stop()
	r := s.resealer()
	for followed, silent := false, 0; ; silent-- {
		var err error
		if !followed {
			s.mu.Lock()
			err = s.follow(ctx, system)
			s.mu.Unlock()
			followed = err == nil
		}
		if err == nil {
			_, err = r.Run(ctx, s.Accounts.Now())
		}
		if err != nil && ctx.Err() == nil && silent <= 0 {
			silent = int(time.Minute / runInterval)
			s.Log.Error("rotating keys", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// resealer returns the resealer of the store, which audits the keys that it removes.
func (s *Service) resealer() *store.Resealer {
	return &store.Resealer{Ring: s.Ring, Store: s.Accounts.Store, Pause: resealPause,
		Remove: func(ctx context.Context, ids []string, p store.Progress, change func(store.Tx) error) error {
			detail := map[string]string{"kind": Data, "key": strings.Join(ids, " "), "records": fmt.Sprint(p.Sealed)}
			return s.update(ctx, s.Accounts.NewOperation(account.RequestInfo{}), change, s.event(system, audit.KeyWithdrawn, detail))
		}}
}
